"""How the page of reliability looks, and what it says of the machine."""

from __future__ import annotations

import os
from pathlib import Path

Rows = list[list[object]]

PAGE = """# Reliability

Written by `benchmarks/reliability/bench_reliability.py`, which counts every number
below, section by section; below each stand its date, commit and machine. Faults are
small and seeded; what isn't listed wasn't run. `identical` is the right data;
`refused` a typed error that says what was found and expected (of other software: any
error); `foreign` an error of a library that came through; `silent` other data without
a word.

{parts}
"""


def table(heads: tuple[str, ...], rows: Rows) -> str:
    """Return a table in Markdown, numbers to the right."""
    lines = [" | ".join(heads), "|".join(["---", *["--:"] * (len(heads) - 1)])]
    lines += [" | ".join(map(str, row)) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def name_machine() -> str:
    """Return the processor, how many of its cores there are, and if others used it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    model = next(line.partition(": ")[2] for line in lines if "model name" in line)
    cores = os.cpu_count() or 1
    is_shared = os.getloadavg()[2] > cores
    name = f"{cores} cores of {model.split('Processor')[0].strip()}"
    return f"{name}, shared" if is_shared else name
