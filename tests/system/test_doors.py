"""Three doors to the packaged virtual release: everything asked of it, one hash."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import intake
import numpy as np
import pytest
import xarray as xr

import somobench
from somobench.catalog.registry import list_catalogued, packaged_folder
from somobench.catalog.storage.hashing import decoded_sha256
from somobench.schemas.errors import SomobenchError, UsageError

pytestmark = pytest.mark.heavy

RELEASES = [
    name
    for name in list_catalogued()
    if name.startswith("virtual-") and (packaged_folder() / name).is_dir()
]
SETS = ("climatology", "forcing", "memory", "state")
LAYERS = (None, 1, 2, 3)
SCALINGS = ("full", "train", "none")


def manifest_of(release: str) -> dict[str, Any]:
    text = (packaged_folder() / release / "MANIFEST.json").read_text()
    return dict(json.loads(text))


SPLITS = {release: sorted(manifest_of(release)["splits"]) for release in RELEASES}


@pytest.fixture(scope="module")
def catalog() -> Any:
    """Open the packaged catalog as the README does."""
    return intake.open_catalog(somobench.catalog_path())


Door = Callable[..., xr.Dataset]


def doors(catalog: Any, release: str, feature_set: str) -> dict[str, Door]:
    """Return every way to a dataset, in memory and lazy."""
    return {
        "nested": lambda **asked: catalog[release][feature_set](**asked).read(),
        "flat": lambda **asked: catalog[feature_set](release=release, **asked).read(),
        "package": lambda **asked: somobench.open_dataset(
            feature_set, release=release, **asked
        ),
        "nested, lazy": lambda **asked: catalog[release][feature_set](
            **asked
        ).to_dask(),
        "flat, lazy": lambda **asked: catalog[feature_set](
            release=release, **asked
        ).to_dask(),
        "package, lazy": lambda **asked: somobench.open_dataset(
            feature_set, release=release, lazy=True, **asked
        ),
    }


def decoded(dataset: xr.Dataset) -> str:
    """Return one sha256 of all decoded values, dimensions and attributes."""
    parts = {
        str(name): [
            variable.dims,
            decoded_sha256(variable.to_numpy()),
            sorted(map(str, variable.attrs.items())),
        ]
        for name, variable in dataset.variables.items()
    }
    said = [parts, list(dataset.data_vars), dataset.attrs]
    text = json.dumps(said, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


OLDER = (pytest.mark.slow, pytest.mark.once)
Question = tuple[str, dict[str, Any]]


def doors_of(release: str) -> Iterator[Question]:
    """Yield every feature set and scaling once: layers and splits take turns.

    Of an older release every feature set once: scalings take turns too.
    """
    splits, layers = itertools.cycle(SPLITS[release]), itertools.cycle(LAYERS)
    turns = zip(SETS, itertools.cycle(SCALINGS), strict=False)
    every = itertools.product(SETS, SCALINGS)
    for feature_set, scaling in every if release == RELEASES[-1] else turns:
        split = None if scaling == "full" else next(splits)
        yield feature_set, {"layer": next(layers), "scaling": scaling, "split": split}


def layers_of(release: str) -> Iterator[Question]:
    """Yield every feature set, layer and scaling; the splits take turns."""
    splits = itertools.cycle(SPLITS[release])
    for feature_set, layer, scaling in itertools.product(SETS, LAYERS, SCALINGS):
        split = None if scaling == "full" else next(splits)
        yield feature_set, {"layer": layer, "scaling": scaling, "split": split}


def of_every_release(
    questions: Callable[[str], Iterator[Question]],
) -> list[Any]:
    return [
        pytest.param(
            release,
            feature_set,
            asked,
            id=f"{release}-{feature_set}-{'-'.join(map(str, asked.values()))}",
            marks=() if release == RELEASES[-1] else OLDER,
        )
        for release in RELEASES
        for feature_set, asked in questions(release)
    ]


def test_a_virtual_release_is_packaged() -> None:
    assert RELEASES


@pytest.mark.parametrize(
    ("release", "feature_set", "asked"), of_every_release(doors_of)
)
def test_every_door_gives_one_decoded_hash(
    catalog: Any, release: str, feature_set: str, asked: dict[str, Any]
) -> None:
    found = {}
    for name, door in doors(catalog, release, feature_set).items():
        dataset = door(**asked)
        is_lazy = dataset["soil_moisture"].chunks is not None
        assert is_lazy == ("lazy" in name)
        found[name] = decoded(dataset.compute(scheduler="synchronous"))
    assert len(found) == 6
    assert len({*found.values()}) == 1, found


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("feature_set", SETS)
def test_one_layer_is_that_layer_of_all(feature_set: str, scaling: str) -> None:
    # through one door: all of them ask the same function
    asked = {"release": RELEASES[-1], "scaling": scaling}
    if scaling != "full":
        asked["split"] = SPLITS[RELEASES[-1]][SETS.index(feature_set)]
    whole = somobench.open_dataset(feature_set, **asked)
    for layer in (1, 2, 3):
        one = somobench.open_dataset(feature_set, layer=layer, **asked)
        expected = whole.sel(layer=layer)
        lacking = {*expected.variables} - {*one.variables}
        is_first = layer == 1 and feature_set == "state"
        assert lacking == ({"soil_moisture_above"} if is_first else set())
        for name, variable in one.variables.items():
            assert variable.equals(expected[name].variable), (layer, name)


def test_different_questions_give_different_hashes() -> None:
    # else the test above would pass for a hash that sees nothing
    release = RELEASES[-1]
    found = [
        decoded(somobench.open_dataset("climatology", release=release, **asked))
        for feature_set, asked in layers_of(release)
        if feature_set == "climatology"
    ]
    assert len({*found}) == len(found) == 12  # 4 layers x 3 scalings


@pytest.mark.parametrize("release", RELEASES)
def test_values_are_those_whose_hashes_the_manifest_states(release: str) -> None:
    arrays = manifest_of(release)["files"]
    targets = arrays["targets.zarr.zip"]["arrays"]
    forcing = arrays["forcing.zarr.zip"]["arrays"]
    published = {"full": "soil_moisture", "none": "soil_moisture_in_situ"}
    for scaling, name in published.items():
        opened = somobench.open_dataset("forcing", release=release, scaling=scaling)
        for ours, theirs in (
            ("soil_moisture", name),
            ("is_gapfilled", "is_gapfilled"),
            ("cell", "cell"),
            ("time", "time"),
        ):
            assert decoded_sha256(opened[ours].values) == targets[theirs]["sha256"]
    for name in manifest_of(release)["feature_sets"]["forcing"]["variables"]:
        assert decoded_sha256(opened[name].values) == forcing[name]["sha256"]


def test_every_split_has_the_roles_of_its_rows_at_every_door(catalog: Any) -> None:
    release = RELEASES[-1]
    others = itertools.cycle(
        door
        for name, door in doors(catalog, release, "climatology").items()
        if name != "package"
    )
    assert len(SPLITS[release]) >= 5  # so that each of the other doors has its turn
    for split, door in zip(SPLITS[release], others, strict=False):
        role = somobench.open_dataset("climatology", release=release, split=split).role
        assert {*np.unique(role)} >= {1, 3}, split
        np.testing.assert_array_equal(door(split=split)["role"], role)


NONSENSE: dict[str, dict[str, Any]] = {
    "layer 0": {"layer": 0},
    "layer 4": {"layer": 4},
    "layer -1": {"layer": -1},
    "layer huge": {"layer": 10**30},
    "layer text": {"layer": "1"},
    "layer float": {"layer": 1.0},
    "layer nan": {"layer": float("nan")},
    "layer true": {"layer": True},
    "layer list": {"layer": [1, 2]},
    "layer array": {"layer": np.array([1, 2])},
    "scaling typo": {"scaling": "fulll"},
    "scaling case": {"scaling": "FULL"},
    "scaling none": {"scaling": None},
    "scaling bytes": {"scaling": b"full"},
    "scaling array": {"scaling": np.array(["full", "train"])},
    "scaling list": {"scaling": ["full"]},
    "train alone": {"scaling": "train"},
    "split typo": {"split": "temporl"},
    "split empty": {"split": ""},
    "split none": {"split": "none"},
    "split number": {"split": 0},
    "split list": {"split": ["temporal"]},
    "split path": {"split": "../temporal"},
    "split template": {"split": "{{ 'temporal' }}"},
    "split environment": {"split": "{{ env('HOME') }}"},
    "scaling template": {"scaling": "{% if 1 %}full{% endif %}"},
    "release old": {"release": "virtual-0.0.0"},
    "release bytes": {"release": b"virtual-0.1.0"},
    "release array": {"release": np.array(["virtual-0.1.0"])},
    "release list": {"release": list(RELEASES)},
}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_refused_at_every_door(catalog: Any, nonsense: str) -> None:
    release = RELEASES[-1]
    asked = NONSENSE[nonsense]
    ask = {"release": release} | asked
    reads: tuple[Callable[[], object], ...] = (
        lambda: somobench.open_dataset("memory", **ask),
        lambda: somobench.open_dataset("memory", lazy=True, **ask),
        lambda: catalog[release]["memory"](**asked).read(),
        lambda: catalog[release]["memory"](**asked).to_dask(),
        lambda: catalog["memory"](**ask).read(),
        lambda: catalog["memory"](**ask).to_dask(),
    )
    for read in reads:
        with pytest.raises(UsageError, match="expected:"):
            read()


def test_a_template_is_never_run(catalog: Any, tmp_path: Any) -> None:
    sentinel = tmp_path / "sentinel"
    shell = "{{ cycler.__init__.__globals__.os.system('touch " + str(sentinel) + "') }}"
    for name in ("release", "scaling", "split", "layer"):
        for source in (catalog["memory"], catalog[RELEASES[-1]]["memory"]):
            with pytest.raises(SomobenchError):
                source(**{name: shell}).read()
    assert not sentinel.exists()


def test_a_catalog_takes_no_parameters(catalog: Any) -> None:
    nested = catalog[RELEASES[-1]]
    for inner in (nested, catalog.local, catalog.local[RELEASES[-1]]):
        for asked in ({"split": "temporal"}, {"path": "/etc/passwd"}, {"x": 1}):
            with pytest.raises(UsageError, match="its feature sets have parameters"):
                inner(**asked)
    assert list(nested()) == list(nested)


def test_a_long_name_is_reported_in_a_short_message() -> None:
    with pytest.raises(UsageError, match="letters") as error:
        somobench.open_dataset("memory", release="x" * 100_000)
    assert len(str(error.value)) < 1000
