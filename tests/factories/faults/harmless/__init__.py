"""Changes of a release that change nothing for a reader: checks must stay silent.

They are what honest hands leave: other writers, codecs, chunks, zips and indents. What
another type, unit, dim or name makes of a file isn't harmless: readers rely on these.
"""

from __future__ import annotations

from collections.abc import Iterator

from factories.faults.harmless.documents import list_document_changes
from factories.faults.harmless.grids import list_grid_changes
from factories.faults.harmless.tables import list_table_changes
from factories.faults.harmless.zips import list_zip_changes
from factories.faults.vouched import Defect

Change = tuple[str, str, Defect]
"""File that may be checked alone, what is changed, and the change."""


def _list_changes() -> Iterator[Change]:
    yield from list_grid_changes()
    yield from list_zip_changes()
    yield from list_table_changes()
    yield from list_document_changes()


HARMLESS: list[Change] = list(_list_changes())
