"""The name under which a submission's scores stand in tables and on pages."""

from __future__ import annotations

from collections.abc import Sequence

from somobench.schemas.errors import UsageError
from somobench.schemas.submission_names import LONGEST_NAME
from somobench.scoring.lead_times import CLIMATOLOGY, PERSISTENCE


def check_model_name(name: object, lead_times: Sequence[int]) -> str:
    """Return the name of a model if tables and pages can take it.

    Parameters
    ----------
    name : str
    lead_times : of the submission, days; none where it has no such dim

    Raises
    ------
    UsageError
        For an empty or long name and, with lead times, for that of a reference which
        the curves show too.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise UsageError(
            "name of the model",
            found=f"{len(name)} letters" if isinstance(name, str) else repr(name)[:80],
            expected=f"a text of 1 to {LONGEST_NAME} letters",
            hint="name= in Python, --name on the command line",
        )
    if lead_times and name.strip().casefold() in {PERSISTENCE, CLIMATOLOGY}:
        raise UsageError(
            "name of the model",
            found=name,
            expected="another name: with lead times this is a reference beside it",
            hint="name= in Python, --name on the command line",
        )
    return name
