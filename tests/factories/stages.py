"""Stages of the pipeline, run in this process one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import pytest

BESIDE_RECORDS = {"inputs": "inputs.stage"}
"""Stages whose package is more than the stage: the module that holds it."""


def run_stages(
    folder: Path, stages: Iterable[str], inputs: Path, **environment: str
) -> None:
    """Run stages in a folder that holds params.yaml.

    Parameters
    ----------
    folder : Path
        Becomes the working directory; the stages write to its `data`.
    stages : iterable of str
        Modules of `somobench.pipelines`, whose `main` is what `python -m` runs.
    inputs : Path
        The root of the input archives.
    **environment : str
        Further variables that are set meanwhile.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in {"SOMOBENCH_DATA": str(inputs), **environment}.items():
            patch.setenv(name, value)
        for stage in stages:
            module = BESIDE_RECORDS.get(stage, stage)
            import_module(f"somobench.pipelines.{module}").main()
