"""Run a schema so that all its failures come back at once, found beside expected."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pandera.pandas as pa
import xarray as xr
from pandera.api.checks import Check
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaError, SchemaErrors
from pandera.xarray import DatasetSchema

from somobench.schemas.checks import describe_finding, show_some
from somobench.schemas.errors import Failure, ValidationError


def validate_table(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, what: str
) -> pd.DataFrame:
    """Return the table if every check of the schema holds.

    Raises
    ------
    ValidationError
        With every failed check: where, found, expected.
    """
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        raise ValidationError(what, _list_failures(errors)) from None
    return frame


def validate_grid(dataset: xr.Dataset, schema: DatasetSchema, what: str) -> xr.Dataset:
    """Return the dataset if every check of the schema holds, values included.

    Pandera leaves values unchecked on Dask-backed arrays unless it is asked to; here
    they are always checked, which computes them.

    Raises
    ------
    ValidationError
        With every failed check: where, found, expected.
    """
    try:
        with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema.validate(dataset, lazy=True)
    except SchemaErrors as errors:
        raise ValidationError(what, _list_failures(errors)) from None
    return dataset


def _list_failures(errors: SchemaErrors) -> list[Failure]:
    found = (_make_failure(error, errors.data) for error in errors.schema_errors)
    return list(dict.fromkeys(found))


def _make_failure(error: SchemaError, whole: Any) -> Failure:
    name = getattr(error.schema, "name", None)
    where = str(name) if name else "whole"
    check = error.check
    if isinstance(check, Check):
        part = whole.get(where, whole)
        found = describe_finding(check, part) or _describe_found(error.failure_cases)
        return Failure(where, found, str(check.error or check.name))
    if error.failure_cases is not None and str(check).startswith("dtype"):
        return Failure(where, f"dtype {_get_dtype(error)}", str(check))
    return Failure(where, str(error).replace("\n", " "), f"check {check}")


def _get_dtype(error: SchemaError) -> str:
    data = error.data
    column = getattr(error.schema, "name", None)
    if isinstance(data, pd.DataFrame | xr.Dataset) and column in data:
        data = data[column]
    return str(getattr(data, "dtype", error.failure_cases))


def _describe_found(cases: Any) -> str:
    """Say how many values failed, and the first of them."""
    if cases is None:
        return "no"
    if isinstance(cases, pd.DataFrame):
        values = cases["failure_case"].to_numpy() if "failure_case" in cases else cases
    elif isinstance(cases, xr.DataArray):
        values = cases.to_numpy().ravel()
        values = values[~pd.isna(values)]
    else:
        return str(cases)
    return f"{len(values)} values such as {show_some(values)}"
