"""The registry of station sources: what each declares, and its names."""

from __future__ import annotations

from typing import get_args

import pytest

from somobench.pipelines.stations import STATION_SOURCES, find_station_source
from somobench.schemas.errors import UnknownNameError
from somobench.schemas.recipe import StationParams


@pytest.mark.parametrize("name", sorted(STATION_SOURCES))
def test_registered_source_declares_how_it_counts(name: str) -> None:
    source = find_station_source(name)
    assert source.day_definition in {"UTC", "local_standard_time"}
    assert isinstance(source.has_flags, bool)
    assert source.minimum_count is None or source.minimum_count > 0


def test_every_source_of_a_recipe_is_registered() -> None:
    annotation = StationParams.model_fields["source"].annotation
    assert set(get_args(annotation)) == set(STATION_SOURCES)


def test_unknown_source_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean ismn"):
        find_station_source("ismm")
