"""What a user asks for: one feature set of one release, and how its target is scaled.

Refuses what can be refused without a release; `check_against` refuses the rest.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from somobench.catalog.registry import unknown
from somobench.schemas.errors import UsageError
from somobench.schemas.manifest import Manifest
from somobench.schemas.variables import FEATURE_SETS

SCALINGS = ("full", "train", "none")
ENTRY = "somobench.catalog.entries.CheckedEntry"
FOLDER = "{{ CATALOG_DIR }}"  # of a catalog file, in the arguments of its entries
MASKS, NORMALISATION, STATICS = INCLUDED = ("masks", "normalisation", "statics")
"""What a view holds beside inputs and target where it is asked for."""
PARAMETERS = {
    "release": "Full id of a release; there is no default and no latest.",
    "layer": "One layer; by default all, on dimension layer.",
    "scaling": "Factors of the target: of the full record (the default), of the train"
    " days of a split, or none, which is as measured.",
    "split": "Adds the role of every day; needed for scaling train.",
    "include": "More variables: masks, normalisation, statics, or several of them.",
}


@dataclass(frozen=True, kw_only=True)
class DatasetRequest:
    """A feature set by name, with the target that belongs to it.

    `layer` is `None` for all layers. `scaling` is `full` (factors of the full
    record), `train` (factors of the train days of `split`; train and validation days
    without the values that other days had a part in) or `none` (as measured).
    `include` holds names of `INCLUDED`: masks need a split, and normalisation the
    split's train scaling as well.
    """

    feature_set: str
    layer: int | None = None
    scaling: str = "full"
    split: str | None = None
    include: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.feature_set, str):
            raise unknown("feature set", self.feature_set, FEATURE_SETS)
        if not isinstance(self.scaling, str) or self.scaling not in SCALINGS:
            raise unknown("scaling", self.scaling, SCALINGS)
        if self.split is not None and not isinstance(self.split, str):
            raise UsageError("split", found=repr(self.split), expected="a name")
        for name in ("feature_set", "scaling", "split"):
            object.__setattr__(self, name, _strip_subclass(getattr(self, name)))
        if self.scaling == "train" and self.split is None:
            raise UsageError(
                "scaling 'train'",
                found="no split",
                expected="the split whose train days give the factors",
                hint="add split=..., or use scaling='full'",
            )
        object.__setattr__(self, "layer", _parse_layer(self.layer))
        object.__setattr__(self, "include", _parse_include(self.include))
        self._check_include()

    def _check_include(self) -> None:
        if MASKS in self.include and self.split is None:
            raise UsageError(
                f"include {MASKS!r}",
                found="no split",
                expected="the split whose days are marked",
                hint="add split=...",
            )
        if NORMALISATION in self.include and self.scaling != "train":
            raise UsageError(
                f"include {NORMALISATION!r}",
                found=f"scaling {self.scaling!r}",
                expected="scaling 'train' and its split, whose train days give the"
                " moments",
                hint="add scaling='train', split=...",
            )

    def check_against(self, manifest: Manifest) -> None:
        """Refuse what the release doesn't carry, with its reason.

        Raises
        ------
        UnknownNameError
        """
        of = f"of release {manifest.release}"
        self._check_feature_set(manifest, of)
        if self.split is not None and self.split not in manifest.splits:
            reason = manifest.splits_left_out.get(self.split)
            raise unknown(f"split {of}", self.split, sorted(manifest.splits), reason)
        layers = manifest.feature_sets[self.feature_set].layers
        if self.layer is not None and self.layer not in layers:
            what = f"layer {of}, feature set {self.feature_set!r}"
            reason = manifest.layers_left_out.get(str(self.layer))
            raise unknown(what, self.layer, layers, reason)

    def _check_feature_set(self, manifest: Manifest, of: str) -> None:
        if self.feature_set not in manifest.feature_sets:
            reason = manifest.feature_sets_refused.get(self.feature_set)
            names = sorted(manifest.feature_sets)
            raise unknown(f"feature set {of}", self.feature_set, names, reason)


def _strip_subclass(text: str | None) -> str | None:
    """Return the letters of a text, whatever class shows them as something else."""
    return None if text is None else str.__str__(text)


def _parse_layer(layer: Any) -> int | None:
    if layer is None:
        return None
    try:
        if isinstance(layer, bool):
            raise TypeError
        return operator.index(layer)
    except TypeError:
        raise UsageError(
            "layer", found=repr(layer), expected="a whole number, or None for all"
        ) from None


def _parse_include(include: Any) -> tuple[str, ...]:
    """Return what is included, in one order; a text alone is one name."""
    if include is None:
        return ()
    names = [include] if isinstance(include, str) else include
    try:
        given = list(names)
    except TypeError:
        raise unknown("include", include, INCLUDED) from None
    for name in given:
        if not isinstance(name, str) or name not in INCLUDED:
            raise unknown("include", name, INCLUDED)
    return tuple(name for name in INCLUDED if name in given)


def refuse_unknown_keywords(given: Mapping[str, Any]) -> None:
    """Refuse keywords that no door has.

    Raises
    ------
    UnknownNameError
    """
    for name in given:
        if name not in PARAMETERS:
            raise unknown("parameter", name, [*PARAMETERS])


def describe_parameters(
    manifest: Manifest | None, feature_set: str
) -> dict[str, dict[str, Any]]:
    """Return what an entry of Intake says of the parameters of a feature set.

    With a manifest the values that its release has are listed; without one, `release`
    is described as well. They have no default and no type of their own, since Intake
    would replace the missing ones by empty texts and zeros; the driver checks both.
    """
    allowed: dict[str, list[Any]] = {"scaling": [*SCALINGS]}
    if manifest is not None:
        allowed["layer"] = [*manifest.feature_sets[feature_set].layers]
        allowed["split"] = sorted(manifest.splits)
    return {
        name: {"description": text, "type": "other"}
        | ({"allowed": allowed[name]} if allowed.get(name) else {})
        for name, text in PARAMETERS.items()
        if name != "release" or manifest is None
    }


def name_class(described: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of a catalog file: its class, and what that is made with.

    Intake asks for the driver as well when it saves a catalog.
    """
    return {"cls": ENTRY, "driver": described["driver"], "kwargs": described}
