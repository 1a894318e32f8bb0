"""The page of what was timed, docs/performance.md: rows, limits, quoted tables."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
OURS = "ours"


def find_least(row: Mapping[str, float]) -> float:
    """Return the time that an idle machine takes at most, s.

    The clock counts others who keep the cores busy, processor time counts every core.
    """
    return min(row["seconds"], row["busy"])


def describe_row(row: Mapping[str, Any]) -> str:
    """Write a row of the table."""
    bar, ratios = row["bar"], ["", ""]
    if row["failure"]:
        cells = [row["work"], row["who"], *[""] * 4, f"failed: {row['failure']}", ""]
        return "| " + " | ".join(cells) + " |"
    if row["who"] == OURS:
        met = bar is None or find_least(row) <= bar
        aim = "" if bar is None else f"at most {bar * 1e3:,.0f} ms"
    else:
        ratios = [f"{row['ratio']:.1f}", f"{row['busy_ratio']:.1f}"]
        met = bar is None or row["judged_ratio"] >= bar
        aim = "" if bar is None else f"{bar:.3g}"
    times = [f"{row[key] * 1e3:,.0f}" for key in ("seconds", "busy")]
    unmet = "not shown" if row["shared"] else "not reached"
    behind = "" if met else f", **{unmet}**"
    cells = [row["work"], row["who"], *times, *ratios, f"{aim}{behind}"]
    return "| " + " | ".join([*cells, f"{row['gigabytes']:.2f}"]) + " |"


def describe_machine() -> str:
    """Name the machine's class, and what ran."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ("numpy", "xarray", "zarr", "numba")
    versions = [f"{name} {importlib.import_module(name).__version__}" for name in names]
    cores = f"{len(os.sched_getaffinity(0))} cores {name_processor()}".strip()
    python = f"Python {platform.python_version()}"
    return f"{cores}, {memory:.0f} GiB, {', '.join([python, *versions])}"


def name_processor() -> str:
    """Return the processor's family, as far as the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    models = [line.partition(":")[2] for line in lines if "model name" in line]
    return " ".join(models[0].split()[:2]) if models else platform.machine()


def write_page(
    rows: Sequence[Mapping[str, Any]], quoted: Mapping[str, str], rounds: int
) -> None:
    """Write the page of all rows, those where we are behind included."""
    load = os.getloadavg()[0]
    today = datetime.now(UTC).date()
    lines = [
        "# Performance",
        "",
        f"`make bench`, {today}, {describe_machine()}; load {load:.1f} at the end.",
        "",
        f"Medians of {rounds} runs in fresh processes, in turns; results are compared",
        "first. A ratio is the other's time over ours: above 1 we are faster. Aims are",
        "meant by the clock of an idle machine; they are judged by the clock or by the",
        "processor time of all cores together, whichever is less: the clock counts",
        "whatever keeps the cores busy beside them. Where ours waited for others, an",
        "aim that this doesn't meet is only not shown.",
        "",
        "| work | who | ms | processor ms | ratio | of processor | aim | peak GB |",
        "|---|---|---|---|---|---|---|---|",
        *map(describe_row, rows),
        "",
        (HERE / "limits.md").read_text(encoding="utf-8").strip(),
        "",
    ]
    for name, text in quoted.items():
        lines += [f"## `{name}.py`", "", "```", text.rstrip(), "```", ""]
    PAGE.write_text("\n".join(lines), encoding="utf-8")
