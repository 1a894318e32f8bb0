"""Defects of what documents say of the release."""

from __future__ import annotations

from factories.faults.third_list.opened import Defect, Opened

THIN = "\N{NARROW NO-BREAK SPACE}"


def embargo_of_another_build(release: Opened) -> None:
    """Manifest and validation say 30 days of embargo for the temporal split."""
    for document in (release.manifest, release.validation["stages"]["splits"]):
        document["splits"]["temporal"]["definition"]["embargo_days"] = 30


def minimum_of_days_of_another_build(release: Opened) -> None:
    """Manifest and validation: a year of dry years needs 30 target days, not 90."""
    for document in (release.manifest, release.validation["stages"]["splits"]):
        definition = document["splits"]["dry_years"]["definition"]
        definition["minimum_days_a_year"] = 30


def lags_of_another_feature_set(release: Opened) -> None:
    """Manifest and validation: `state` has lag 0 alone, as `forcing` has."""
    for document in (release.manifest, release.validation["stages"]["features"]):
        document["feature_sets"]["state"]["lags"] = [0]


def dropped_values_counted_twice(release: Opened) -> None:
    """Validation: values of flag D03 are added under `flag D02` as well."""
    dropped = release.validation["stages"]["ingest"]["values"]["dropped"]
    dropped["flag D02"] += dropped["flag D03"]


def truth_compared_with_unscaled_sensors(release: Opened) -> None:
    """Validation: targets' errors against the truth are those of the sensors."""
    for entry in release.validation["targets_against_truth"].values():
        count = entry["targets"]["count"]
        entry["targets"] = entry["sensors"] | {"count": count}


def temperature_unit_of_the_report(release: Opened) -> None:
    """Croissant: air and skin temperature are said to be in degrees Celsius."""
    for entry in release.document("croissant.json")["variableMeasured"]:
        if entry["name"].endswith("_temperature"):
            entry["unitText"] = "degree_Celsius"


def days_of_another_release_in_the_report(release: Opened) -> None:
    """Report page: layer 1 has 61 259 days."""
    release.replace("report.html", f"64{THIN}259", f"61{THIN}259")


def period_of_the_predecessor(release: Opened) -> None:
    """README: the days end on 2020-12-31."""
    release.replace("README.md", "to 2021-12-31 (UTC)", "to 2020-12-31 (UTC)")


DEFECTS: tuple[Defect, ...] = (
    embargo_of_another_build,
    minimum_of_days_of_another_build,
    lags_of_another_feature_set,
    dropped_values_counted_twice,
    truth_compared_with_unscaled_sensors,
    temperature_unit_of_the_report,
    days_of_another_release_in_the_report,
    period_of_the_predecessor,
)
