"""The vocabulary: every variable sane, in CF's words, and used as written."""

from __future__ import annotations

import re

import pytest

from somobench.schemas.variables import (
    DYNAMIC_FORCING,
    STATE_FORCING,
    VARIABLES,
    Variable,
    get_attrs,
)

# CF Standard Name Table, version 86; only the names that SoMoBench uses.
CF_NAMES = {
    "volume_fraction_of_condensed_water_in_soil",
    "lwe_precipitation_rate",
    "air_temperature",
    "specific_humidity",
    "relative_humidity",
    "surface_downwelling_shortwave_flux_in_air",
    "surface_net_downward_radiative_flux",
    "surface_temperature",
    "lwe_water_evaporation_rate",
    "mass_content_of_water_in_soil",
    "surface_upward_latent_heat_flux",
    "water_vapor_saturation_deficit_in_air",
    "wind_speed",
}


@pytest.mark.parametrize("variable", VARIABLES.values(), ids=lambda item: item.name)
def test_variable_has_field_word_unit_and_range(variable: Variable) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", variable.name)
    assert variable.units
    assert variable.minimum < variable.maximum
    assert variable.standard_name is None or variable.standard_name in CF_NAMES


def test_every_moisture_is_volumetric() -> None:
    units = {VARIABLES[name].units for name in VARIABLES if "moisture" in name}
    assert units == {"m3 m-3"}


def test_forcing_names_are_variables() -> None:
    assert set(DYNAMIC_FORCING) | set(STATE_FORCING) <= set(VARIABLES)


def test_attrs_carry_unit_and_standard_name() -> None:
    assert get_attrs("air_temperature") == {
        "units": "K",
        "long_name": "daily mean air temperature at 2 m",
        "standard_name": "air_temperature",
    }


def test_variable_refuses_an_inverted_range() -> None:
    with pytest.raises(ValueError, match="minimum 2 >= maximum 1"):
        Variable(name="x", units="1", long_name="x", minimum=2, maximum=1)
