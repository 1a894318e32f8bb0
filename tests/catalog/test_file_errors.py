"""What libraries raise below a reader, as an error of the file or of the machine."""

from __future__ import annotations

import pytest

from somobench.catalog.release_files import raise_file_errors
from somobench.schemas.errors import IntegrityError


def test_no_room_for_a_thread_is_no_fault_of_the_file() -> None:
    with pytest.raises(MemoryError, match="new thread"), raise_file_errors("x.zip"):
        raise RuntimeError("can't start new thread")


def test_error_of_a_library_names_the_file() -> None:
    with pytest.raises(IntegrityError, match="x.zip"), raise_file_errors("x.zip"):
        raise RuntimeError("no such codec")
