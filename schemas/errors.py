"""Every error a user can meet, with what was found, expected and what to try."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class SomobenchError(Exception):
    """A refusal that says what is wrong, what was expected and what to try.

    Parameters
    ----------
    what : str
        The thing concerned: a file, an argument, a variable.
    found, expected : object, optional
        The value met and the value allowed.
    hint : str, optional
        The next step that solves it, a command where there is one.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        found: object = None,
        expected: object = None,
        hint: str | None = None,
    ) -> None:
        self.what = what
        self.found = found
        self.expected = expected
        self.hint = hint
        super().__init__(self._message())

    def _message(self) -> str:
        lines = [self.what]
        if self.found is not None:
            lines.append(f"  found:    {self.found}")
        if self.expected is not None:
            lines.append(f"  expected: {self.expected}")
        if self.hint is not None:
            lines.append(f"  try:      {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.__dict__.copy(), self.args)


def _rebuild(
    kind: type[SomobenchError], state: dict[str, object], args: tuple[object, ...]
) -> SomobenchError:
    error = kind.__new__(kind)
    Exception.__init__(error, *args)
    error.__dict__.update(state)
    return error


class InputError(SomobenchError):
    """Raw data or a user's file that can't be read as what it claims to be."""


class Failure(NamedTuple):
    """One failed check of a validation."""

    where: str
    found: str
    expected: str


class ValidationError(SomobenchError):
    """Data that breaks a schema; carries every failure, not only the first."""

    def __init__(
        self, what: str, failures: Sequence[Failure], *, hint: str | None = None
    ) -> None:
        self.failures = tuple(failures)
        listed = "; ".join(
            f"{item.where}: found {item.found}, expected {item.expected}"
            for item in self.failures
        )
        count = len(self.failures)
        failed = f"{what}: {count} failed check{'' if count == 1 else 's'}"
        super().__init__(failed, found=listed, hint=hint)


class UsageError(SomobenchError):
    """An argument that is not allowed."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that doesn't exist; the message lists those that do."""


class NetworkError(SomobenchError):
    """A download that failed at every address."""

    exit_code = 3


class OfflineError(NetworkError):
    """A file that isn't on this machine while offline mode is on."""


class IntegrityError(SomobenchError):
    """Bytes that are not the published ones."""

    exit_code = 4


class LicenceError(SomobenchError):
    """An action that the licence of a source forbids."""

    exit_code = 5
