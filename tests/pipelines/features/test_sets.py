"""Feature sets: which are defined, and which refused for what is absent."""

from __future__ import annotations

from somobench.pipelines.features.sets import define_feature_sets


def test_all_feature_sets_are_defined_where_inputs_are_there() -> None:
    found = define_feature_sets(
        ["precipitation", "air_temperature", "skin_temperature", "evaporation"],
        [1, 2],
        7,
    )
    assert found["refused"] == {}
    sets = found["feature_sets"]
    assert sets["climatology"]["variables"] == ["day_of_year", "climatology"]
    assert sets["forcing"]["variables"] == ["precipitation", "air_temperature"]
    assert sets["forcing"]["lags"] == [0]
    assert sets["memory"]["variables"] == sets["forcing"]["variables"]
    assert sets["memory"]["lags"] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert sets["state"]["variables"] == [
        "precipitation",
        "air_temperature",
        "skin_temperature",
        "soil_moisture_above",
    ]
    needing = {name for name, item in sets.items() if item["needs_observations"]}
    assert needing == {"state"}
    assert {tuple(item["layers"]) for item in sets.values()} == {(1, 2)}


def test_state_is_refused_without_skin_temperature() -> None:
    found = define_feature_sets(["precipitation", "net_radiation"], [1], 7)
    assert set(found["feature_sets"]) == {"climatology", "forcing", "memory"}
    assert found["refused"] == {"state": "the forcing has no skin_temperature"}


def test_sets_with_meteorology_are_refused_without_any() -> None:
    found = define_feature_sets(["skin_temperature"], [1], 7)
    assert set(found["feature_sets"]) == {"climatology"}
    assert set(found["refused"]) == {"forcing", "memory", "state"}
    assert "precipitation" in found["refused"]["forcing"]
