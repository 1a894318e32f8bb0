"""Three doors to one dataset, and names that are refused at each of them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import intake
import numpy as np
import pytest
import xarray as xr
from intake_xarray.xzarr import ZarrSource

import somobench
from factories.releases import RELEASE, copy_release, make_catalog, make_release
from somobench.catalog.driver import ReleaseCatalog, SomobenchSource
from somobench.schemas.errors import UnknownNameError, UsageError

pytestmark = pytest.mark.heavy

SETS = ("climatology", "forcing", "memory", "state")
CHOICES: tuple[dict[str, Any], ...] = (
    {},
    {"layer": 1, "scaling": "train", "split": "temporal"},
)


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open a catalog that pins the toy release, which lies on this machine."""
    folder = copy_release(tmp_path / "releases")
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(folder.parent))
    path = make_catalog(tmp_path, folder) / "somobench.yaml"
    return intake.open_catalog(str(path))


@pytest.mark.parametrize("chosen", CHOICES, ids=str)
@pytest.mark.parametrize("feature_set", SETS)
def test_all_doors_give_identical_data_and_attributes(
    catalog: Any, feature_set: str, chosen: dict[str, Any]
) -> None:
    direct = somobench.open_dataset(feature_set, release=RELEASE, **chosen)
    doors = (
        catalog[RELEASE][feature_set](**chosen),
        catalog[feature_set](release=RELEASE, **chosen),
        getattr(catalog, feature_set)(release=RELEASE)(**chosen),
        catalog.local[RELEASE][feature_set](**chosen),
        somobench.open_catalog()[feature_set](release=RELEASE, **chosen),
    )
    for source in doors:
        xr.testing.assert_identical(source.read(), direct)
    lazy = doors[0].to_dask()
    assert lazy["soil_moisture"].chunks is not None
    xr.testing.assert_identical(lazy.compute(), direct)


def test_reading_gives_arrays_in_memory(catalog: Any) -> None:
    dataset = catalog[RELEASE]["state"].read()
    assert all(array.chunks is None for array in dataset.variables.values())
    assert all(
        isinstance(array._data, np.ndarray) or name in dataset.indexes
        for name, array in dataset.variables.items()
    )


def test_a_door_without_parameters_is_the_default_choice(catalog: Any) -> None:
    dataset = catalog[RELEASE]["memory"].read()
    assert dataset.sizes == {"layer": 3, "cell": 2, "time": 10, "lag": 4}
    assert dataset.attrs["scaling"] == "full"


UNKNOWN_VALUES = {
    "recipe alone": {"release": "toy"},
    "short version": {"release": "toy-1.0"},
    "with a v": {"release": "toy-v0.1.0"},
    "version alone": {"release": "0.1.0"},
    "v1.0.0": {"release": "v1.0.0"},
    "1.0": {"release": "1.0"},
    "blank": {"release": ""},
    "spaces": {"release": f" {RELEASE}"},
    "none": {"release": None},
    "number": {"release": 1},
    "latest": {"release": "latest"},
    "misspelt": {"release": "tpy-0.1.0"},
    "path": {"release": f"../releases/{RELEASE}"},
    "template": {"release": "{{ env('HOME') }}"},
    "layer 4": {"layer": 4},
    "layer 0": {"layer": 0},
    "scaling": {"scaling": "trian", "split": "temporal"},
    "split": {"split": "temporl"},
}
WRONG_KINDS = {
    "layer text": {"layer": "2"},
    "layer true": {"layer": True},
    "layer 1.5": {"layer": 1.5},
    "split number": {"split": 3},
    "train without split": {"scaling": "train"},
}
NO_PARAMETERS = {
    "typo": {"relaese": RELEASE},
    "chunks": {"chunks": {}},
    "persist": {"persist": "never"},
    "cache": {"cache": []},
    "plugin": {"plugin": "zarr"},
    "CATALOG_DIR": {"CATALOG_DIR": "/"},
}


def second_door(catalog: Any) -> Callable[..., Any]:
    return lambda **chosen: catalog["memory"](**{"release": RELEASE, **chosen}).read()


def first_door(catalog: Any) -> Callable[..., Any]:
    return lambda **chosen: catalog[RELEASE]["memory"](**chosen).read()


def third_door(_: Any) -> Callable[..., Any]:
    return lambda **chosen: somobench.open_dataset(
        "memory", **{"release": RELEASE, **chosen}
    )


DOORS = pytest.mark.parametrize("door", [first_door, second_door, third_door])


@DOORS
@pytest.mark.parametrize("case", UNKNOWN_VALUES)
def test_unknown_names_are_refused_with_those_that_exist(
    catalog: Any, door: Callable[[Any], Callable[..., Any]], case: str
) -> None:
    with pytest.raises(UnknownNameError, match="expected: one of: ") as error:
        door(catalog)(**UNKNOWN_VALUES[case])
    if "release" in UNKNOWN_VALUES[case]:
        assert RELEASE in str(error.value.expected)


@DOORS
@pytest.mark.parametrize("case", WRONG_KINDS)
def test_values_of_the_wrong_kind_are_refused(
    catalog: Any, door: Callable[[Any], Callable[..., Any]], case: str
) -> None:
    with pytest.raises(UsageError, match="expected:"):
        door(catalog)(**WRONG_KINDS[case])


@pytest.mark.parametrize("door", [first_door, second_door])
@pytest.mark.parametrize("case", NO_PARAMETERS)
def test_unknown_keywords_are_refused_and_not_ignored(
    catalog: Any, door: Callable[[Any], Callable[..., Any]], case: str
) -> None:
    with pytest.raises(UnknownNameError, match="unknown parameter"):
        door(catalog)(**NO_PARAMETERS[case])


def test_unknown_keywords_are_refused_by_python_at_the_third_door() -> None:
    with pytest.raises(TypeError, match="relaese"):
        somobench.open_dataset("memory", relaese=RELEASE)  # type: ignore[call-arg]


def test_the_nearest_name_is_offered(catalog: Any) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'memory'"):
        catalog[RELEASE]["memry"]
    with pytest.raises(UnknownNameError, match="did you mean 'memory'"):
        somobench.open_dataset("memry", release=RELEASE)
    with pytest.raises(UnknownNameError, match="did you mean 'temporal'"):
        catalog[RELEASE]["memory"](split="temporl").read()


def test_what_a_release_leaves_out_is_refused_with_its_reason(catalog: Any) -> None:
    with pytest.raises(UnknownNameError, match="at least 10 are needed"):
        somobench.open_dataset("memory", release=RELEASE, split="spatial")
    with pytest.raises(UnknownNameError, match="no sensor at this depth"):
        somobench.open_dataset("memory", release=RELEASE, layer=4)
    with pytest.raises(UnknownNameError, match="no source of radar data"):
        somobench.open_dataset("radar", release=RELEASE)


def test_a_source_without_release_is_refused_when_it_is_read(catalog: Any) -> None:
    for read in (catalog["memory"].read, catalog["memory"].to_dask):
        with pytest.raises(UsageError, match=RELEASE):
            read()


def test_our_catalog_names_its_entries_where_intakes_own_gives_a_key_error(
    catalog: Any,
) -> None:
    with pytest.raises(KeyError, match="nonsense"):
        catalog["nonsense"]
    ours = ReleaseCatalog(catalog.path)
    with pytest.raises(UnknownNameError, match="did you mean 'memory'"):
        ours["memorry"]
    with pytest.raises(KeyError):
        ours["memorry"]
    assert not hasattr(ours, "memorry")


def test_intake_names_the_entries_with_our_driver() -> None:
    path = somobench.catalog_path()
    catalog = intake.open_catalog(path, driver="somobench_catalog")
    assert catalog["virtual-2.0.0"]["memory"].read().sizes["layer"] == 3
    with pytest.raises(UnknownNameError, match=r"did you mean 'virtual-2.0.0'"):
        catalog["virtul-2.0.0"]


def test_a_pickled_source_keeps_its_pin(catalog: Any) -> None:
    source = catalog["memory"](release=RELEASE, layer=2)
    again = pickle.loads(pickle.dumps(source))
    assert (again.release, again.request) == (RELEASE, source.request)
    xr.testing.assert_identical(again.read(), source.read())


def test_two_releases_are_open_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = copy_release(tmp_path / "a")
    second = make_release(tmp_path / "a", release="toy-0.2.0", count=3)
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(first.parent))
    source = SomobenchSource("forcing")
    old = source(release=RELEASE).to_dask()
    new = source(release=second.name).to_dask()
    assert old.compute().sizes["cell"] == 2
    assert new.compute().sizes["cell"] == 3


def test_discover_lists_dtypes_and_sizes_without_reading(catalog: Any) -> None:
    found = catalog[RELEASE]["forcing"].discover()
    assert found["dtype"]["precipitation"] == "float32"
    assert found["shape"]["cell"] == 2
    assert found["metadata"]["release"] == RELEASE


def test_the_catalog_walks_and_lists_without_reading_data(catalog: Any) -> None:
    assert list(catalog) == [RELEASE, *SETS, "local"]
    assert f"{RELEASE}.memory" in catalog.walk(depth=2)
    assert sorted(catalog[RELEASE]) == sorted(SETS)


def test_stock_zarr_source_still_ignores_its_parameters(tmp_path: Path) -> None:
    # The reason for a driver of our own: the day this fails, it may not be needed.
    stock = ZarrSource(str(tmp_path / "a.zarr"))
    assert stock(urlpath=str(tmp_path / "b.zarr"), nonsense=1) is stock
