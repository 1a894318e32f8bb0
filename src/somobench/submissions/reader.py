"""The child process that reads a submission: limits first, then checks, then values.

Run as `python -m somobench.submissions FILE FOLDER [ASKED]`; leaves the ordered
values and labels as plain `.npy` files in the folder with `facts.json`, or
`refusal.json` saying why not. What libraries say of a damaged file is not passed on.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Hashable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from somobench.schemas.errors import InputError, SomobenchError
from somobench.submissions.confine import confine, limit_resources
from somobench.submissions.inspect import (
    ROOT,
    Inspected,
    Kind,
    inspect_parts,
    inspect_submission,
    recognise_format,
)
from somobench.submissions.limits import Contents

if TYPE_CHECKING:
    import xarray as xr

    from somobench.submissions.gridded.plan import Gridded
    from somobench.submissions.gridded.request import Wanted
    from somobench.submissions.layout import Understood


class GriddedFile(NamedTuple):
    """A model's own grid that was opened, and the plan of what is read."""

    kind: Kind
    declared_bytes: int
    stored: xr.Dataset
    plan: Gridded


Found = TypeVar("Found", Inspected, Contents, Inspected | GriddedFile)

REQUEST = "request.json"
"""What the release has, where a model's own grid may be handed in."""
REFUSAL = "refusal.json"
FACTS = "facts.json"
REFUSED = 3  # exit code
STACK_BYTES = 1 << 20  # of a thread

_CALENDARS = ("", "standard", "gregorian", "proleptic_gregorian")
_SINCE = re.compile(
    r"\s*(?:d|days?|h|hr?s?|hours?|min(?:ute)?s?|s|sec(?:ond)?s?"
    r"|[num]s|(?:nano|micro|milli)seconds?)\s+since\s+[-+]?\d.*",
    re.DOTALL | re.IGNORECASE,
)


def main(arguments: list[str]) -> int:
    """Read one submission under limits; return the exit code."""
    path, folder = Path(arguments[0]), Path(arguments[1])
    asked = int(arguments[2]) if len(arguments) > 2 else None  # noqa: PLR2004 (the third)

    request = folder / REQUEST
    wanted = _parse_request(request) if request.exists() else None

    def inspect(path: Path) -> Inspected | GriddedFile:
        found = None if wanted is None else open_gridded(path, wanted)
        return found or inspect_submission(path)

    def read(inspected: Inspected | GriddedFile) -> None:
        if isinstance(inspected, Inspected):
            understood = read_inspected(path, inspected, asked)
        else:
            understood = _read_gridded(inspected, wanted)
        _write(understood, inspected.kind, folder)

    return run_limited(path, folder, inspect, read)


def _parse_request(request: Path) -> Wanted:
    from somobench.submissions.gridded.request import parse_wanted

    return parse_wanted(request.read_text(encoding="utf-8"))


def open_gridded(path: Path, wanted: Wanted) -> GriddedFile | None:
    """Open a model's own grid and plan what is read of it; None for other files.

    Only metadata, positions and times are read. Whole arrays may have any size.
    """
    from somobench.schemas.submission_names import CELL_IDS, PREDICTION
    from somobench.submissions.gridded.plan import is_gridded, plan_gridded

    kind, contents = inspect_parts(path)
    asked = wanted.options.are_asked
    names = {name.rpartition("/")[2] for name in contents.arrays}
    is_submission = PREDICTION in names and bool({"cell", CELL_IDS} & names)
    if kind == "parquet" or (not asked and is_submission):
        return None
    if kind == "netcdf3":
        limit_resources(contents.declared_bytes)  # it is mapped as a whole
    stored = _open(path, kind, ROOT)
    if not asked and not is_gridded(stored):
        return None
    plan = plan_gridded(stored, wanted)
    memory = plan.measure_memory(stored)
    return GriddedFile(kind, memory, stored, plan)


def _read_gridded(found: GriddedFile, wanted: Wanted | None) -> Understood:
    from somobench.submissions.gridded.arrange import arrange_gridded

    assert wanted is not None  # noqa: S101 - a grid is opened for a release alone
    return arrange_gridded(found.stored, wanted, found.plan)


def run_limited(
    path: Path,
    folder: Path,
    inspect: Callable[[Path], Found],
    read: Callable[[Found], None],
) -> int:
    """Confine this process, inspect a path, and read it in the memory that it declares.

    Parameters
    ----------
    path : file or folder
        The only one, but for Python's own, that is read.
    folder : Path
        The only one that is written; a refusal is left there.
    inspect : callable
        Tells from metadata how many bytes the arrays take, `declared_bytes`.
    read : callable
        Is given what `inspect` found.

    Returns
    -------
    int
        The exit code: 0, or `REFUSED`.
    """
    step = "its structure"
    try:
        _import_readers(path)
        limit_resources(0)
        confine(path, folder)
        inspected = inspect(path)
        limit_resources(inspected.declared_bytes)
        step = "its values and labels"
        read(inspected)
    except SomobenchError as error:
        return _write_refusal(error, folder)
    except MemoryError:
        found = "values that don't fit the memory that a submission may take"
        expected = "no more than its metadata say"
    except Exception:  # noqa: BLE001 - whatever a damaged file makes libraries raise
        found = f"a file that is damaged, or holds what isn't known, in {step}"
        expected = "values that can be read"
    else:
        return 0
    refusal = InputError(f"submission {path.name}", found=found, expected=expected)
    return _write_refusal(refusal, folder)


def _import_readers(path: Path) -> None:
    """Load what reads the formats, so that limits count from there.

    One thread each, with a small stack: on machines with many processors the stacks of
    the threads alone would take the memory that is left for values.
    """
    import pyarrow as pa

    import somobench.submissions.gridded.arrange
    import somobench.submissions.layout
    import somobench.submissions.parquet  # noqa: F401

    threading.stack_size(STACK_BYTES)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    if recognise_format(path) in {"zarr", "zarr_zip"}:
        import zarr.storage

        zarr.config.set({"threading.max_workers": 1, "async.concurrency": 1})


def read_inspected(
    path: Path, inspected: Inspected, asked: int | None = None
) -> Understood:
    """Read the predictions of a file that was inspected, ordered."""
    from somobench.submissions.layout import arrange_dataset, arrange_table

    if inspected.kind == "parquet":
        from somobench.submissions.parquet import read_table

        return arrange_table(read_table(path), asked)
    stored, notes = _open_with_outer_labels(path, inspected)
    found = arrange_dataset(_decode_file(stored), asked)
    return found._replace(notes=(*notes, *found.notes))


def _open_with_outer_labels(
    path: Path, inspected: Inspected
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Open the group of the predictions, with labels that stand in groups above it."""
    from somobench.schemas.submission_names import LABELS

    group = inspected.group
    stored = _open(path, inspected.kind, group)
    if group == ROOT:
        return stored, ()
    parts = Path(group).parts
    for above in [*(str(Path(*parts[:n])) for n in range(len(parts) - 1, 0, -1)), ROOT]:
        outer = _open(path, inspected.kind, above)
        new = [name for name in LABELS if name in outer.variables]
        missing = [name for name in new if name not in stored.variables]
        stored = stored.assign({name: outer.variables[name] for name in missing})
    return stored, (f"the predictions lie in the group {group}",)


def _open(path: Path, kind: Kind, group: str) -> xr.Dataset:
    """Open a group of a grid as it is stored."""
    import xarray as xr

    inner = None if group == ROOT else group
    if kind == "hdf5":
        return xr.open_dataset(path, engine="h5netcdf", decode_cf=False, group=inner)
    if kind == "netcdf3":
        if find_spec("scipy") is None:
            raise InputError(
                f"submission {path.name}",
                found="classic netCDF, which scipy would read",
                expected="netCDF 4",
                hint="nccopy -k nc4 IN OUT, or pip install scipy",
            )
        return xr.open_dataset(path, engine="scipy", decode_cf=False)
    from zarr.storage import LocalStore, ZipStore

    store: Any = (
        LocalStore(path, read_only=True) if kind == "zarr" else ZipStore(path, mode="r")
    )
    return xr.open_dataset(
        store,
        engine="zarr",
        decode_cf=False,
        chunks=None,
        consolidated=False,
        group=inner,
    )


def _decode_file(stored: xr.Dataset) -> xr.Dataset:
    """Decode the predictions and their labels, and nothing else of the file."""
    import xarray as xr

    from somobench.schemas.submission_names import LABELS, PREDICTION, UNNAMED

    prediction = PREDICTION if PREDICTION in stored.variables else UNNAMED
    others = [str(name) for name in stored.data_vars if name not in LABELS]
    if prediction not in stored.variables or (
        prediction == UNNAMED and others != [UNNAMED]
    ):
        found = ", ".join(sorted(others)) or "no variable"
        raise InputError(
            "variables of the submission", found=found[:200], expected=PREDICTION
        )
    names = [name for name in (prediction, *LABELS) if name in stored.variables]
    variables: dict[Hashable, Any] = {name: stored.variables[name] for name in names}
    if "time" in variables:
        _check_time(variables["time"].attrs)
    decoded = xr.decode_cf(xr.Dataset(variables), decode_timedelta=False)
    return decoded.set_coords([name for name in names if name != prediction])


def _check_time(attrs: dict[str, Any]) -> None:
    """Refuse times that no date can be made of: other calendars, no units."""
    from somobench.submissions.units import decode_attribute

    calendar, units = (
        decode_attribute(attrs.get("calendar")),
        decode_attribute(attrs.get("units")),
    )
    if calendar.lower() not in _CALENDARS:
        raise InputError(
            "calendar of time", found=calendar[:80], expected="the standard calendar"
        )
    if units and not _SINCE.fullmatch(units):
        raise InputError(
            "units of time", found=units[:80], expected="such as days since 1970-01-01"
        )


def _write(understood: Understood, kind: Kind, folder: Path) -> None:
    from somobench.schemas.submission_names import PREDICTION

    array = understood.grid[PREDICTION]
    if array.size == 0:
        listed = ", ".join(f"{size} of {dim}" for dim, size in array.sizes.items())
        raise InputError(PREDICTION, found=listed, expected="at least one prediction")
    np.save(folder / f"{PREDICTION}.npy", array.to_numpy(), allow_pickle=False)
    for dim in array.dims:
        labels = array[str(dim)].to_numpy()
        np.save(folder / f"{dim}.npy", labels, allow_pickle=False)
    facts = {
        "kind": kind,
        "dims": [str(dim) for dim in array.dims],
        "notes": list(understood.notes),
        "gridded": understood.gridded,
    }
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _write_refusal(error: SomobenchError, folder: Path) -> int:
    said = {
        "what": error.what,
        "found": None if error.found is None else str(error.found),
        "expected": None if error.expected is None else str(error.expected),
        "hint": error.hint,
    }
    (folder / REFUSAL).write_text(json.dumps(said), encoding="utf-8")
    return REFUSED
