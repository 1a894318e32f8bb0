"""Run a stage as a program: a refusal is a message and a status, not a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from somobench.schemas.errors import SomobenchError


def run_stage(main: Callable[[], None]) -> None:
    """Run `main`; end the program with the error's exit code if it is refused.

    Parameters
    ----------
    main : callable
        The `main` of a module under `pipelines/`.
    """
    try:
        main()
    except SomobenchError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
