"""What a submission may hold at most, and how it is refused."""

from __future__ import annotations

from collections.abc import Iterable

from somobench.schemas.errors import InputError

MAXIMUM_BYTES = 4_000_000_000  # of all arrays of a submission, unpacked
MAXIMUM_METADATA = 1_000_000  # bytes of one metadata document or attribute
MAXIMUM_OBJECTS = 1_000  # arrays and groups


def refuse_size(declared: int, what: str = "submission") -> None:
    """Refuse arrays that would take more memory than a submission may."""
    if declared > MAXIMUM_BYTES:
        raise InputError(
            what,
            found=f"arrays of {declared} bytes in all",
            expected=f"at most {MAXIMUM_BYTES}",
        )


def refuse(what: str, found: object, expected: str | Iterable[str]) -> InputError:
    """Return the refusal of something that a submission must not hold."""
    allowed = expected if isinstance(expected, str) else ", ".join(sorted(expected))
    return InputError(what, found=str(found)[:200], expected=allowed)
