"""Defects of the manifest, the validation, and the texts."""

from __future__ import annotations

from factories.faults.second_list.folder import Folder, defect


def manifest(words: str, unknowable: str = ""):
    """Register a defect that edits the manifest."""

    def register(edit):
        def apply(folder: Folder) -> None:
            edit(folder.manifest)

        return defect("manifest", words, unknowable)(apply)

    return register


def validation(words: str, unknowable: str = ""):
    """Register a defect that edits the record of what was checked."""

    def register(edit):
        def apply(folder: Folder) -> None:
            edit(folder.validation)

        return defect("validation", words, unknowable)(apply)

    return register


def text(name: str, words: str, old: str, new: str, unknowable: str = "") -> None:
    """Register a defect that replaces words of a text."""

    def apply(folder: Folder) -> None:
        path = folder.path / name
        content = path.read_text()
        if old not in content:
            raise LookupError(f"{name} holds no {old!r}")
        path.write_text(content.replace(old, new))

    defect("texts", words, unknowable)(apply)


@manifest("the period is a year early")
def _(record):
    record["period"] = ["2015-01-01", "2020-12-31"]


@manifest("the period ends a day late")
def _(record):
    record["period"] = ["2016-01-01", "2022-01-01"]


@manifest("layer 3 isn't listed")
def _(record):
    record["layers"] = [1, 2]


@manifest("layer 3 is said to be left out, and carried")
def _(record):
    record["layers_left_out"] = {"3": "too few sensors"}


@manifest("the licence is another than its sources'")
def _(record):
    record["licence_spdx"] = "CC-BY-4.0"


@manifest("a free release may not be passed on")
def _(record):
    record["redistributable"] = False


@manifest("memory begins with yesterday")
def _(record):
    record["feature_sets"]["memory"]["lags"] = list(range(1, 8))


@manifest("memory reaches into tomorrow")
def _(record):
    record["feature_sets"]["memory"]["lags"] = list(range(-1, 7))


@manifest("forcing lacks precipitation")
def _(record):
    record["feature_sets"]["forcing"]["variables"].remove("precipitation")


@manifest("forcing holds the reanalysis's soil moisture")
def _(record):
    record["feature_sets"]["forcing"]["variables"].append("reanalysis_soil_moisture")


@manifest("state is said to need no observation")
def _(record):
    record["feature_sets"]["state"]["needs_observations"] = False


@manifest("state is gone")
def _(record):
    del record["feature_sets"]["state"]


@manifest("a feature set is carried and refused")
def _(record):
    record["feature_sets_refused"] = {"memory": "no meteorology"}


@manifest("no source is named")
def _(record):
    record["sources"] = []


@manifest("sources lack the stations")
def _(record):
    record["sources"] = [s for s in record["sources"] if s["role"] == "forcing"]


@manifest("a network isn't named")
def _(record):
    record["networks"] = record["networks"][1:]


@manifest("a network is named that no sensor is of")
def _(record):
    record["networks"] = sorted([*record["networks"], "VNET-ZEBRA"])


@manifest("a split is carried and left out")
def _(record):
    record["splits_left_out"] = {"temporal": "too few years"}


@manifest("a split isn't listed")
def _(record):
    del record["splits"]["spatial"]


@manifest("target moments are said to be observed")
def _(record):
    record["target_moments_from"] = dict.fromkeys(record["target_moments_from"], "none")


@manifest("the grid is said to be of half a degree")
def _(record):
    record["grid_resolution"] = 0.5


@manifest("it bears the id of another release")
def _(record):
    record["release"] = "virtual-2.1.0"


@manifest("the release follows itself")
def _(record):
    record["predecessor"] = record["release"]


@manifest("a rung with scores is said to be unavailable")
def _(record):
    record["rungs"]["temporal"]["persistence"] = "no target on the day before"


@manifest("a rung isn't listed for a split")
def _(record):
    del record["rungs"]["spatial"]["water_balance"]


@manifest("the embargo is said to be none")
def _(record):
    record["splits"]["temporal"]["definition"]["embargo_days"] = 0


@manifest("the test is said to start another day")
def _(record):
    definition = record["splits"]["temporal"]["definition"]
    definition["parameters"]["test_start"] = "2020-01-01"


@manifest("the block size of the spatial split is another")
def _(record):
    record["splits"]["spatial"]["definition"]["parameters"]["block_degrees"] = 2.0


@manifest("blocks belong to other folds")
def _(record):
    blocks = record["splits"]["spatial"]["definition"]["blocks"]
    for name in blocks:
        blocks[name] = (blocks[name] + 1) % 5


@manifest("test cells are said to lie 500 km from train cells")
def _(record):
    audit = record["splits"]["spatial"]["audit"]
    audit["distance_km"]["train to test"]["nearest"] = 500.0


@manifest("no cell is said to be both trained and tested on")
def _(record):
    record["splits"]["temporal"]["audit"]["cells_in_train_and_test"] = 0


@manifest("the audit counts another number of cell-days")
def _(record):
    record["splits"]["temporal"]["audit"]["cell_days"]["test"] += 100


@manifest("the audit counts other target days")
def _(record):
    record["splits"]["temporal"]["audit"]["target_days_by_layer"]["test"][0] -= 50


@manifest("the audit is silent on shared stations")
def _(record):
    record["splits"]["temporal"]["audit"]["stations"]["both"] = 0


@manifest("findings of an audit were emptied")
def _(record):
    record["splits"]["temporal"]["audit"]["findings"] = []


@manifest("the kind of a split is another")
def _(record):
    record["splits"]["dry_years"]["definition"]["kind"] = "wet_years"


@manifest("cells left out of a split aren't named")
def _(record):
    record["splits"]["dry_years"]["definition"]["cells_left_out"] = {}


@manifest("a file isn't listed")
def _(record):
    del record["files"]["forcing.zarr.zip"]


@manifest("a file is listed that isn't there")
def _(record):
    record["files"]["soil.parquet"] = record["files"]["cells.parquet"]


@manifest("the mean of an array is another")
def _(record):
    record["files"]["targets.zarr.zip"]["arrays"]["soil_moisture"]["mean"] *= 1.1


@manifest("the units of an array are none")
def _(record):
    record["files"]["forcing.zarr.zip"]["arrays"]["precipitation"]["units"] = None


@manifest("the shape of an array is that before a fix")
def _(record):
    record["files"]["targets.zarr.zip"]["arrays"]["soil_moisture"]["shape"] = [
        3,
        39,
        2192,
    ]


@manifest("an array isn't listed")
def _(record):
    del record["files"]["features.zarr.zip"]["arrays"]["climatology"]


@manifest("the predictions aren't listed")
def _(record):
    record["assets"] = {}


@manifest("predictions of one split aren't listed")
def _(record):
    del record["assets"]["predictions_spatial.zarr.zip"]


@manifest(
    "a simulated world is said to be observed",
    unknowable="a sentence; the id and the sources still say virtual",
)
def _(record):
    record["description"] = "Soil moisture observed at stations."


@manifest(
    "the recipe has another hash", unknowable="the recipe isn't part of the release"
)
def _(record):
    record["recipe_sha256"] = "0" * 64


@manifest("the contract is said to be version 2")
def _(record):
    record["schema_version"] = "2"


@manifest("a source has the licence of another")
def _(record):
    record["sources"][0]["licence"] = "proprietary"


@validation("it is that of another release")
def _(record):
    record["release"] = "virtual-1.1.0"


@validation("the largest difference of means is above its tolerance")
def _(record):
    record["scaled_targets_against_reference"]["largest_mean_difference"] = 0.5


@validation("the tolerance was loosened to 1")
def _(record):
    record["scaled_targets_against_reference"]["tolerance"] = 1.0


@validation("no target was compared")
def _(record):
    record["scaled_targets_against_reference"]["compared"] = 0


@validation("targets are said to have other days")
def _(record):
    record["stages"]["targets"]["layers"]["1"]["days"] += 1000


@validation("filled days are said to be others")
def _(record):
    record["stages"]["targets"]["layers"]["2"]["gapfilled_days"] = 0


@validation("rejected sensors were emptied")
def _(record):
    record["stages"]["targets"]["rejected_sensors"] = []


@validation("dropped sensors were emptied")
def _(record):
    record["stages"]["ingest"]["dropped_sensors"] = []


@validation("kept days are others")
def _(record):
    record["stages"]["ingest"]["days"]["kept"] = 1


@validation("rungs of a split are said to have predicted nothing")
def _(record):
    rungs = record["stages"]["baselines"]["splits"]["temporal"]
    rungs["ridge_memory"]["predicted_values"] = 0


@validation("the splits stage is that of another run")
def _(record):
    record["stages"]["splits"]["splits"]["temporal"]["audit"]["cells"]["test"] = 5


@validation("cells of the report are in another order")
def _(record):
    cells = record["report"]["cells"]
    cells["cell_id"] = cells["cell_id"][::-1]


@validation("dryness of the report is another")
def _(record):
    cells = record["report"]["cells"]
    cells["dryness"] = [value * 2 for value in cells["dryness"]]


@validation("days of the report are others")
def _(record):
    record["report"]["layers"]["1"]["days"] = 10


@validation("the median of the scaled target in the report is another")
def _(record):
    scaled = record["report"]["layers"]["1"]["distributions"]["scaled"]
    scaled["median"] *= 2


@validation("active cells of the report are others")
def _(record):
    record["report"]["layers"]["2"]["availability"]["active_cells"][0] = 1


@validation("stages are gone")
def _(record):
    record["stages"] = {}


@validation("the forcing stage says another remapping")
def _(record):
    record["stages"]["forcing"]["grid"]["remapping"] = "nearest"


@validation("layer weights of the reference are others")
def _(record):
    record["stages"]["forcing"]["reference"]["layers"]["1"]["weights"] = {"swvl1": 1.0}


@validation("the features audit is silent on full-record factors")
def _(record):
    record["stages"]["features"]["audit"]["spatial"] = []


text("README.md", "README opens another release", "virtual-2.0.0", "virtual-1.0.0")
text("README.md", "README names another licence", "CC0-1.0", "CC-BY-4.0")
text("README.md", "README names other days", "2016-01-01", "2006-01-01")
text("README.md", "README lacks a split", "- `spatial`\n", "")
text("README.md", "README lacks a file", "| `splits.parquet` ", "| `parts.parquet` ")
text(
    "README.md",
    "README is silent on where moments come from",
    "Mean and variance of these targets are the reanalysis's by construction",
    "Targets are as observed",
)
text("CITATION.cff", "the citation is of another release", "2.0.0", "1.0.0")
text("CITATION.cff", "the citation lacks a network", "VNET-ALPS", "VNET-OTHER")
text("CITATION.cff", "the citation has another licence", "license: CC0", "license: GPL")
text("CITATION.cff", "the citation is no YAML", "authors:", "authors: [")
text("croissant.json", "Croissant has another sha256", "92c9", "29c9")
text("croissant.json", "Croissant is of another release", "2.0.0", "1.1.0")
text("croissant.json", "Croissant names another licence", "CC0-1.0", "MIT")
text(
    "croissant.json", "Croissant lacks a file", "features.zarr.zip", "feature.zarr.zip"
)
text(
    "report.html", "the report is of another release", "virtual-2.0.0", "virtual-1.1.0"
)


@defect("texts", "the report is empty")
def _(folder: Folder) -> None:
    (folder.path / "report.html").write_text("")


@defect("texts", "README is empty")
def _(folder: Folder) -> None:
    (folder.path / "README.md").write_text("")


@defect("texts", "Croissant describes other columns")
def _(folder: Folder) -> None:
    path = folder.path / "croissant.json"
    path.write_text(path.read_text().replace('"precipitation"', '"annual_rain"'))


@defect("texts", "a file that no one lists lies in the folder")
def _(folder: Folder) -> None:
    (folder.path / "targets_old.zarr.zip").write_bytes(
        (folder.path / "targets.zarr.zip").read_bytes()
    )
