"""A model as a Python function: the contract, and how one is found and called.

The contract
------------
A model is a function of one argument, an `xarray.Dataset` of daily weather, that
returns an `xarray.DataArray` of soil moisture:

- **Given**: variables on (cell, time) under the names and in the units of a release
  (`precipitation`, mm d-1; `air_temperature`, K; `net_radiation`, MJ m-2 d-1; ...),
  float, NaN where unknown; attributes of cells as variables on (cell); coordinates
  `cell` (text), `time` (days at 00:00 without a gap), `latitude` and `longitude` on
  cell. No observation of soil moisture is among them.
- **Returned**: m3 m-3 on (cell, time), or (layer, cell, time), in any order of dims,
  for all cells and days that were given; NaN where the model has nothing to say, such
  as days of spin-up. Further coordinates are passed over.
- The function may be called many times, with any cells, in any order, and with other
  periods. What it says of a cell depends on what it was given of that cell, not on
  earlier calls. It leaves what it was given as it is. Weights load with its module.

A model that needs settings is a closure, a `functools.partial` or an object with
`__call__`. It is named `module:function` or `path.py:function`. Loading one RUNS ITS
CODE with the rights of whoever calls: it is meant for one's own models, never for a
stranger's file. Predictions of strangers come as files, and nothing in them is run.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import ExecutionLoader
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.schemas.errors import InputError, SomobenchError, UsageError

ModelFunction = Callable[[xr.Dataset], xr.DataArray]
DIMS = ("layer", "cell", "time")
EXAMPLE = "module:function or path.py:function"


def load_model(name: str) -> ModelFunction:
    """Find the function that a name means; its module's code runs.

    Parameters
    ----------
    name : str
        `module:function`, where Python finds modules and in the working directory, or
        `path.py:function`. The function may be an attribute: `module:object.method`.

    Raises
    ------
    UsageError
        If the name has another form, or what it names isn't there or can't be called.
    InputError
        If its module can't be run.
    """
    where, colon, what = name.rpartition(":")
    if not (colon and where and what):
        raise UsageError("model", found=name, expected=EXAMPLE)
    with _report_raised(f"module of model {name}"):
        found: Any = (
            _import_file(Path(where)) if _is_path(where) else _import_module(where)
        )
    for part in what.split("."):
        if not hasattr(found, part):
            names = sorted(key for key in dir(found) if not key.startswith("_"))
            raise UsageError(
                f"model {name}",
                found=f"no {part}",
                expected=", ".join(names[:20]) if names else "a function",
            )
        found = getattr(found, part)
    if not callable(found):
        kind = type(found).__name__
        raise UsageError(f"model {name}", found=f"a {kind}", expected="a function")
    function: ModelFunction = found
    return function


def is_model_name(text: str) -> bool:
    """Tell a model's name from a path; a file that exists is no name of a model."""
    return ":" in text and not Path(text).exists()


def _is_path(where: str) -> bool:
    return where.endswith(".py")


def _import_file(path: Path) -> ModuleType:
    """Run a file as a module; what lies beside it can be imported from it."""
    if not path.is_file():
        raise UsageError("model", found=f"no file {path}", expected=EXAMPLE)
    name = f"somobench_model_{path.stem}"
    loader = _SourceLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    if spec is None:
        raise UsageError("model", found=str(path), expected="a file of Python code")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look their module up there
    sys.path.insert(0, str(path.resolve().parent))
    try:
        loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


class _SourceLoader(SourceFileLoader):
    """Compile a file as it is now, and keep nothing beside it.

    Bytecode on disk counts as that of a file edited within a second to the same size.
    """

    get_code = ExecutionLoader.get_code


def _import_module(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(
            "model",
            found=f"no module {error.name}",
            expected=EXAMPLE,
            hint="install it, or name its file",
        ) from error
    finally:
        sys.path.pop(0)


@contextmanager
def _report_raised(what: str) -> Iterator[None]:
    """Say what a stranger's code raised, and where; an exit isn't taken for one."""
    try:
        yield
    except SomobenchError:
        raise
    except (Exception, SystemExit) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            what,
            found=f"{type(error).__name__}: {error}, {last.filename}:{last.lineno}",
            expected="code that runs through",
        ) from error


def call_model(model: ModelFunction, forcing: xr.Dataset) -> xr.DataArray:
    """Call a model and bring what it returns into one form.

    Parameters
    ----------
    model : callable, as the contract above says
    forcing : Dataset, (cell, time)
        The model gets a copy, so that it can't change it.

    Returns
    -------
    DataArray, (layer, cell, time), m3 m-3, float32
        Cells and days of `forcing`, in its order; layer 1 alone if the model has none.

    Raises
    ------
    InputError
        If it raises, or returns something else than the contract says.
    """
    with _report_raised("the model"):
        result = model(forcing.copy(deep=True))
    if not isinstance(result, xr.DataArray):
        kind = type(result).__name__
        raise _refuse(f"a {kind}", "a DataArray")
    if "layer" not in result.dims:
        layer = result.coords.get("layer")
        label = 1 if layer is None else layer.item()
        result = result.drop_vars("layer", errors="ignore").expand_dims(layer=[label])
    if set(result.dims) != set(DIMS):
        raise _refuse(
            f"dims {', '.join(map(str, result.dims))}", "cell, time and maybe layer"
        )
    for dim in ("cell", "time"):
        wanted = forcing.get_index(dim)
        given = result.get_index(dim) if dim in result.coords else wanted[:0]
        lacking = wanted.difference(given)
        if len(lacking) or not given.is_unique:
            found = f"{len(lacking)} of {len(wanted)} labels of {dim} lack"
            raise _refuse(found, "all that were given, each once")
    layers = result.get_index("layer")
    if not (pd.api.types.is_integer_dtype(layers) and layers.is_unique):
        found = f"layers {', '.join(map(str, layers[:5]))}"
        raise _refuse(found, "whole numbers, each once")
    result = result.sel(cell=forcing["cell"], time=forcing["time"]).transpose(*DIMS)
    values = result.to_numpy()
    if values.dtype.kind not in "fiu":
        raise _refuse(f"values of type {values.dtype}", "numbers or NaN")
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if np.isinf(values).any():
        raise _refuse("infinite values", "numbers or NaN")
    coords = {dim: result[dim].to_numpy() for dim in DIMS}
    return xr.DataArray(values, coords, DIMS, attrs={"units": "m3 m-3"})


def _refuse(found: str, expected: str) -> InputError:
    return InputError("what the model returned", found=found, expected=expected)
