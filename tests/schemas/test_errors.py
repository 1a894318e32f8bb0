"""Errors: the four things that a user reads, and the exit code."""

from __future__ import annotations

import pickle

import pytest

from somobench.schemas import errors


def test_message_says_what_found_expected_and_try() -> None:
    error = errors.InputError("file a", found=3, expected="4", hint="ask b")
    assert str(error).splitlines() == [
        "file a",
        "  found:    3",
        "  expected: 4",
        "  try:      ask b",
    ]


def test_validation_error_lists_every_failure() -> None:
    failures = [errors.Failure("x", "1", "2"), errors.Failure("y", "3", "4")]
    error = errors.ValidationError("table", failures)
    assert error.failures == tuple(failures)
    assert str(error).startswith("table: 2 failed checks")
    assert "x: found 1, expected 2; y: found 3, expected 4" in str(error)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.InputError, 1),
        (errors.UsageError, 2),
        (errors.UnknownNameError, 2),
        (errors.NetworkError, 3),
        (errors.OfflineError, 3),
        (errors.IntegrityError, 4),
        (errors.LicenceError, 5),
    ],
)
def test_exit_code_by_kind(kind: type[errors.SomobenchError], code: int) -> None:
    assert kind("x").exit_code == code


def test_one_failure_is_counted_in_the_singular() -> None:
    error = errors.ValidationError("table", [errors.Failure("x", "1", "2")])
    assert str(error).splitlines()[0] == "table: 1 failed check"


def test_error_survives_a_trip_between_processes() -> None:
    error = errors.ValidationError("table", [errors.Failure("x", "1", "2")])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is errors.ValidationError
    assert (str(copy), copy.failures) == (str(error), error.failures)
