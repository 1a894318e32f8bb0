"""Manifest, report and documents that say what the data don't.

Hashes and sizes of the documents are right in the manifest.
"""

from __future__ import annotations

import re

from factories.faults.third_list.opened import Opened

MANIFEST = "MANIFEST.json"


def period_ends_a_year_early(release: Opened) -> None:
    """The manifest's period ends with 2020.

    A reader leaves 2021 out. Contradicted by days of every grid and by the README.
    """
    release.manifest["period"][1] = "2020-12-31"


def memory_without_the_day(release: Opened) -> None:
    """Feature set `memory` has lags 1 to 7: the day itself is missing.

    Models trained with the manifest know no weather of the day. Contradicted by its
    own description and by the report of the stage.
    """
    release.manifest["feature_sets"]["memory"]["lags"] = list(range(1, 8))


def state_said_to_need_no_observation(release: Opened) -> None:
    """Feature set `state` is marked as one that needs no observations.

    It is compared with sets that don't read the target. Contradicted by its variable
    `soil_moisture_above` and by the report of the stage.
    """
    release.manifest["feature_sets"]["state"]["needs_observations"] = False


def forcing_set_with_the_state(release: Opened) -> None:
    """Feature set `forcing` lists skin temperature as well.

    Contradicted by its description and by the report of the stage.
    """
    release.manifest["feature_sets"]["forcing"]["variables"].append("skin_temperature")


def licence_of_another_release(release: Opened) -> None:
    """The manifest's licence is CC-BY-NC-4.0.

    Contradicted by README, CITATION.cff, croissant.json and the sources.
    """
    release.manifest["licence_spdx"] = "CC-BY-NC-4.0"


def network_uncredited(release: Opened) -> None:
    """One network is missing from the manifest's networks.

    It isn't cited. Contradicted by targets' primaries and by CITATION.cff.
    """
    release.manifest["networks"].remove("VNET-DALE")


def moments_said_to_be_measured(release: Opened) -> None:
    """The manifest says that layer 3 keeps the moments of its sensors.

    RMSE is read as independent. Contradicted by slopes that aren't 1 and by targets'
    attributes.
    """
    release.manifest["target_moments_from"]["3"] = "observations"


def rung_said_to_be_missing(release: Opened) -> None:
    """The manifest says that `temporal` has no water balance.

    Contradicted by its scores.
    """
    rungs = release.manifest["rungs"]["temporal"]
    rungs["water_balance"] = "no net radiation"


def split_parameters_of_another_recipe(release: Opened) -> None:
    """The definition of `temporal` says that the test starts with 2020.

    In the manifest and in the report. Contradicted by rows and boundaries.
    """
    for document in (release.manifest, release.validation["stages"]["splits"]):
        parameters = document["splits"]["temporal"]["definition"]["parameters"]
        parameters["test_start"] = "2020-01-01"


def held_out_cells_said_to_be_far(release: Opened) -> None:
    """The audit of `spatial` says that test cells lie 278 km away or more.

    Ten times too far, in the manifest and in the report. Contradicted by positions.
    """
    for document in (release.manifest, release.validation["stages"]["splits"]):
        audit = document["splits"]["spatial"]["audit"]
        audit["distance_km"]["train to test"]["nearest"] = 277.99
        for finding in audit["findings"]:
            found = finding["found"]
            finding["found"] = found.replace("27.799 km or more", "277.99 km or more")


def stations_said_to_be_apart(release: Opened) -> None:
    """The audit of `dry_years` says that no station stands behind two roles.

    33 do, on other days. Contradicted by targets' primaries and rows.
    """
    for document in (release.manifest, release.validation["stages"]["splits"]):
        audit = document["splits"]["dry_years"]["audit"]
        audit["stations"]["both"] = 0
        audit["findings"] = [
            each for each in audit["findings"] if each["check"] != "stations"
        ]


def filled_days_of_another_build(release: Opened) -> None:
    """The report says that layer 1 has 61 filled days, not 1 061.

    Twice, in the stage and in the figures. Contradicted by the flags.
    """
    stage = release.validation["stages"]["targets"]["layers"]["1"]
    for entry in (stage, release.validation["report"]["layers"]["1"]):
        entry["gapfilled_days"] = 61


def agreement_of_another_layer(release: Opened) -> None:
    """Median correlations with the reanalysis of layers 1 and 3 are exchanged.

    In the report: day to day 0.27 for 0.55. Contradicted by targets and reanalysis.
    """
    layers = release.validation["report"]["layers"]
    one, three = (layers[name]["reanalysis"]["all"] for name in ("1", "3"))
    for entry in ("daily", "day_to_day"):
        first, second = one[entry]["median"], three[entry]["median"]
        one[entry]["median"], three[entry]["median"] = second, first


def observed_days_of_the_next_year(release: Opened) -> None:
    """Monthly availability of layer 2 is a year late in the report.

    Contradicted by targets' days a month.
    """
    availability = release.validation["report"]["layers"]["2"]["availability"]
    observed = availability["observed"]
    availability["observed"] = [observed[-1], *observed[:-1]]


def training_with_validation_days(release: Opened) -> None:
    """The report says that `ridge_memory` was trained on validation values too.

    Contradicted by roles and targets of the split.
    """
    rung = release.validation["stages"]["baselines"]["splits"]["temporal"]
    for layer in rung["ridge_memory"]["fit"].values():
        layer["train_values"] += layer["validation_values"]


def values_dropped_uncounted(release: Opened) -> None:
    """The report counts 265 728 values of one flag as kept.

    Good values are 5 per cent more than there were. Contradicted by the sum of kept and
    dropped, and by the table of stations.
    """
    values = release.validation["stages"]["ingest"]["values"]
    values["good"] += values["dropped"].pop("flag D03")


def readme_of_another_period(release: Opened) -> None:
    """The README says that days run to the end of 2022.

    Contradicted by the manifest and by every grid.
    """
    release.replace("README.md", "2021-12-31", "2022-12-31")


def croissant_with_other_units(release: Opened) -> None:
    """croissant.json gives precipitation in metres a day.

    Contradicted by the array's own units.
    """
    document = release.document("croissant.json")
    for entry in document["variableMeasured"]:
        if entry["name"] == "precipitation":
            entry["unitText"] = "m d-1"


def citation_of_the_release_before(release: Opened) -> None:
    """CITATION.cff gives the version `virtual-1.1.0`.

    Papers cite other data. Contradicted by the manifest.
    """
    release.replace("CITATION.cff", "version: virtual-2.0.0", "version: virtual-1.1.0")


def report_with_other_numbers(release: Opened) -> None:
    """The page's table says that layer 3 agrees by 0.97 with the reanalysis, not 0.89.

    Contradicted by validation.json, which the page repeats.
    """
    text = release.text("report.html")
    row = re.search(r"layer 3 \(30 to 50 cm\).*?</tr>", text, flags=re.DOTALL)
    if row is None:
        message = "report.html has no row of layer 3"
        raise LookupError(message)
    release.replace("report.html", row[0], row[0].replace("0.89", "0.97"))


DEFECTS = (
    period_ends_a_year_early,
    memory_without_the_day,
    state_said_to_need_no_observation,
    forcing_set_with_the_state,
    licence_of_another_release,
    network_uncredited,
    moments_said_to_be_measured,
    rung_said_to_be_missing,
    split_parameters_of_another_recipe,
    held_out_cells_said_to_be_far,
    stations_said_to_be_apart,
    filled_days_of_another_build,
    agreement_of_another_layer,
    observed_days_of_the_next_year,
    training_with_validation_days,
    values_dropped_uncounted,
    readme_of_another_period,
    croissant_with_other_units,
    citation_of_the_release_before,
    report_with_other_numbers,
)
