"""Every variable once: name, unit, physical range, CF name, names in each source.

Schemas, attributes, documentation and tests read them from here. What belongs
elsewhere: thresholds of the target rule (recipes) and file layouts (schemas).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A physical quantity as every release stores it.

    `minimum` and `maximum` bound what is physically possible on land, in `units`;
    `source_names` maps a source to the name that it uses.
    """

    name: str
    units: str
    long_name: str
    minimum: float
    maximum: float
    standard_name: str | None = None
    dtype: str = "float32"
    source_names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.minimum < self.maximum:
            message = f"{self.name}: minimum {self.minimum} >= maximum {self.maximum}"
            raise ValueError(message)


SOIL_MOISTURE_NAME = "volume_fraction_of_condensed_water_in_soil"

_VARIABLES = (
    Variable(
        name="soil_moisture",
        units="m3 m-3",
        long_name="volumetric soil moisture",
        standard_name=SOIL_MOISTURE_NAME,
        minimum=0.0,
        maximum=1.5,  # the published rule matches mean and variance, without a cap
        source_names={"ismn": "sm"},
    ),
    Variable(
        name="soil_moisture_in_situ",
        units="m3 m-3",
        long_name="volumetric soil moisture as measured, unscaled",
        standard_name=SOIL_MOISTURE_NAME,
        minimum=-0.5,  # a gap-filling series is matched to the primary, without a cap
        maximum=1.5,
    ),
    Variable(
        name="soil_moisture_above",
        units="m3 m-3",
        long_name="observed soil moisture of the layer above",
        standard_name=SOIL_MOISTURE_NAME,
        minimum=0.0,
        maximum=1.5,
    ),
    Variable(
        name="reanalysis_soil_moisture",
        units="m3 m-3",
        long_name="reanalysis soil moisture of the layer",
        standard_name=SOIL_MOISTURE_NAME,
        minimum=0.0,
        maximum=1.0,
    ),
    Variable(
        name="climatology",
        units="m3 m-3",
        long_name="smoothed day-of-year mean of train days",
        standard_name=SOIL_MOISTURE_NAME,
        minimum=-0.5,
        maximum=1.5,
    ),
    Variable(
        name="precipitation",
        units="mm d-1",
        long_name="daily precipitation",
        standard_name="lwe_precipitation_rate",
        minimum=0.0,
        maximum=2000.0,  # record 24 h rain is 1825 mm (WMO, Foc-Foc 1966)
        source_names={"era5": "tp", "ismn": "p", "uscrn": "P_DAILY_CALC"},
    ),
    Variable(
        name="air_temperature",
        units="K",
        long_name="daily mean air temperature at 2 m",
        standard_name="air_temperature",
        minimum=180.0,
        maximum=335.0,
        source_names={"era5": "t2m", "ismn": "ta", "uscrn": "T_DAILY_AVG"},
    ),
    Variable(
        name="specific_humidity",
        units="kg kg-1",
        long_name="daily mean specific humidity at 2 m",
        standard_name="specific_humidity",
        minimum=0.0,
        maximum=0.04,
    ),
    Variable(
        name="shortwave_radiation",
        units="MJ m-2 d-1",
        long_name="daily downward shortwave radiation at the surface",
        standard_name="surface_downwelling_shortwave_flux_in_air",
        minimum=-0.5,
        maximum=50.0,
        source_names={"era5": "ssrd", "uscrn": "SOLARAD_DAILY"},
    ),
    Variable(
        name="net_radiation",
        units="MJ m-2 d-1",
        long_name="daily net radiation at the surface",
        standard_name="surface_net_downward_radiative_flux",
        minimum=-25.0,
        maximum=40.0,
    ),
    Variable(
        name="relative_humidity",
        units="%",
        long_name="daily mean relative humidity at 2 m",
        standard_name="relative_humidity",
        minimum=0.0,
        maximum=105.0,
        source_names={"uscrn": "RH_DAILY_AVG"},
    ),
    Variable(
        name="skin_temperature",
        units="K",
        long_name="daily mean temperature of the land surface",
        standard_name="surface_temperature",
        minimum=180.0,
        maximum=350.0,
        source_names={"era5": "skt", "uscrn": "SUR_TEMP_DAILY_AVG"},
    ),
    Variable(
        name="evaporation",
        units="mm d-1",
        long_name="daily evaporation, positive upward",
        standard_name="lwe_water_evaporation_rate",
        minimum=-5.0,
        maximum=30.0,
        source_names={"era5": "e"},
    ),
    Variable(
        name="vapour_pressure_deficit",
        units="Pa",
        long_name="daily mean vapour-pressure deficit of the air at 2 m",
        standard_name="water_vapor_saturation_deficit_in_air",
        minimum=0.0,
        maximum=15000.0,  # saturation at 54 C is 15000 Pa
        source_names={"fluxnet": "VPD_F"},
    ),
    Variable(
        name="wind_speed",
        units="m s-1",
        long_name="daily mean wind speed",
        standard_name="wind_speed",
        minimum=0.0,
        maximum=60.0,
        source_names={"fluxnet": "WS_F"},
    ),
    Variable(
        name="daytime_net_radiation",
        units="W m-2",
        long_name="net radiation at the surface, mean of the hours of daylight",
        standard_name="surface_net_downward_radiative_flux",
        minimum=-300.0,
        maximum=1000.0,
        source_names={"fluxnet": "NETRAD"},
    ),
    Variable(
        name="latent_heat_flux",
        units="W m-2",
        long_name="daily latent heat flux by eddy covariance, positive upward",
        standard_name="surface_upward_latent_heat_flux",
        minimum=-200.0,
        maximum=800.0,
        source_names={"fluxnet": "LE_F_MDS"},
    ),
    Variable(
        name="evapotranspiration_observed",
        units="mm d-1",
        long_name="daily evapotranspiration by eddy covariance, positive upward",
        standard_name="lwe_water_evaporation_rate",
        minimum=-7.0,
        maximum=30.0,
        source_names={"fluxnet": "LE_F_MDS"},
    ),
    Variable(
        name="reference_evapotranspiration",
        units="mm d-1",
        long_name="daily reference evapotranspiration of short grass (FAO-56)",
        minimum=-2.0,
        maximum=30.0,
        source_names={"open_meteo": "et0_mm"},
    ),
    Variable(
        name="vegetation_index",
        units="1",
        long_name="enhanced vegetation index (MODIS)",
        minimum=-1.0,
        maximum=1.0,
        source_names={"fluxnet": "EVI"},
    ),
    Variable(
        name="absorbed_radiation_fraction",
        units="1",
        long_name="absorbed share of photosynthetically active radiation (MODIS)",
        minimum=0.0,
        maximum=1.0,
        source_names={"fluxnet": "FAPAR"},
    ),
    *(
        Variable(
            name=f"modelled_water_store_{number}",
            units="kg m-2",
            long_name=f"soil water of a process model, variant {variant} of its source",
            standard_name="mass_content_of_water_in_soil",
            minimum=0.0,
            maximum=2000.0,
            source_names={"fluxnet": f"BUCKET_{variant}"},
        )
        for number, variant in ((1, "S11"), (2, "S12"), (3, "S13"))
    ),
    Variable(
        name="aridity",
        units="1",
        long_name="potential evaporation over precipitation, long-term mean, as the "
        "source's table gives it",
        minimum=0.0,
        maximum=1000.0,
        dtype="float64",
    ),
    Variable(
        name="dryness",
        units="1",
        long_name="net radiation over latent heat times precipitation, long-term mean",
        minimum=0.0,
        maximum=1000.0,
        dtype="float64",
    ),
)

_SOIL = (
    ("clay_fraction", "1", "clay, share of the fine earth's weight"),
    ("organic_carbon_fraction", "1", "organic carbon, share of weight"),
    ("sand_fraction", "1", "sand, share of the fine earth's weight"),
    ("saturation", "m3 m-3", "soil moisture at saturation"),
    ("silt_fraction", "1", "silt, share of the fine earth's weight"),
)
_SOIL_DEPTHS = (("", "0 to 30 cm"), ("_below_30_cm", "30 to 100 cm"))

_STATIC = tuple(
    Variable(
        name=name + suffix,
        units=units,
        long_name=f"{long_name}, {depth}",
        minimum=0.0,
        maximum=1.0,
        dtype="float64",
    )
    for suffix, depth in _SOIL_DEPTHS
    for name, units, long_name in _SOIL
)

ARIDITY = "aridity"

VARIABLES: Mapping[str, Variable] = MappingProxyType(
    {variable.name: variable for variable in (*_VARIABLES, *_STATIC)}
)

STATIC_ATTRIBUTES = (*(variable.name for variable in _STATIC), ARIDITY)
"""Numbers that don't change over time; a cell table has those that its source gives."""

STATIC_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "climate_class": "Koeppen-Geiger class (Peel and others 2007)",
        "land_cover": "code of ESA CCI land cover, of the newest epoch delivered",
        "vegetation_class": "IGBP class that the site's staff assigned",
    }
)
"""Classes as text, empty where unknown, and what they mean."""

DYNAMIC_FORCING = (
    "precipitation",
    "air_temperature",
    "specific_humidity",
    "relative_humidity",
    "shortwave_radiation",
    "net_radiation",
    "vapour_pressure_deficit",
    "wind_speed",
)
"""Daily meteorology that feature set `forcing` offers, where a release has it on every
day of its cells."""

STATE_FORCING = ("skin_temperature",)
"""Land-surface state that only feature set `state` offers."""

COMPANIONS = (
    "evaporation",
    "daytime_net_radiation",
    "latent_heat_flux",
    "evapotranspiration_observed",
    "reference_evapotranspiration",
    "vegetation_index",
    "absorbed_radiation_fraction",
    "modelled_water_store_1",
    "modelled_water_store_2",
    "modelled_water_store_3",
)
"""Delivered beside the meteorology for analyses; no feature set offers them."""

AVAILABILITY = "availability"
"""Attribute of a forcing variable that may lack days; absent, it has every day."""
OF_RECORD = "every day of the cell's record"
AS_MEASURED = "as measured, never filled"

DRYNESS_SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "net_radiation": "net radiation over latent heat times precipitation",
        "reference_evapotranspiration": "reference evapotranspiration over "
        "precipitation",
        "table": "potential evaporation over precipitation, from the source's table",
    }
)
"""What the dryness of cells rests on, by the recipe's word for it."""

REGIMES = ("energy-limited", "water-limited", "unknown")
ROLES = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(1, len(ROLES) + 1)
"""Numbers of the roles in grids; 0 is no role."""
FEATURE_SETS: Mapping[str, str] = MappingProxyType(
    {
        "climatology": "Day of the year and, with a split, the climatology of train "
        "days.",
        "forcing": "The day's meteorology.",
        "memory": "Meteorology of the day and of the {lags} days before.",
        "state": "Feature set memory, skin temperature, and the observed target of the "
        "layer above, which layer 1 doesn't have.",
    }
)
"""Named selections of model inputs, and what each of them holds."""


def get_attrs(name: str) -> dict[str, str]:
    """Return the attributes that an array of the variable carries."""
    variable = VARIABLES[name]
    attrs = {"units": variable.units, "long_name": variable.long_name}
    if variable.standard_name is not None:
        attrs["standard_name"] = variable.standard_name
    return attrs
