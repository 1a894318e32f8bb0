"""Members of a FLUXNET archive: files of a folder or zip, and of the zips in it.

The data portal delivers a zip a site; a folder of them is one archive. Zips in zips are
read in memory, one level deep, under the rules of every archive; in a folder they are
read where they lie.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from somobench.catalog.storage.zip_directory import ZIP_ERRORS, refuse_large_directory
from somobench.pipelines.stations import Rejection
from somobench.pipelines.stations.archive import (
    Archive,
    DamagedMemberError,
    FolderArchive,
    Member,
    ZipArchive,
    open_archive,
)
from somobench.schemas.errors import InputError

ZIP = ".zip"


MOST_IN_MEMORY = 256_000_000  # bytes of the zips within a zip, in all
MOST_TEXT = 48_000_000  # bytes; 100 years of days in 60 columns take 20 MB
_UNPACK = f"at most {MOST_IN_MEMORY} in all: unpack the outer zip into a folder"


class SiteArchive:
    """Every file of an archive by its name, `site.zip/file.csv` within a zip."""

    def __init__(self, outer: Archive, stack: ExitStack) -> None:
        self._outer = outer
        self._inner: dict[str, tuple[Archive, Member]] = {}
        self._in_memory = 0
        self.rejections: list[Rejection] = []
        for member in outer.members:
            if member.name.lower().endswith(ZIP):
                self._add_zip(member, stack)
            else:
                self._inner[member.name] = (outer, member)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all files, sorted."""
        return tuple(sorted(self._inner))

    def read(self, name: str) -> bytes:
        """Return a file's bytes, or raise DamagedMemberError."""
        archive, member = self._inner[name]
        if member.size > MOST_TEXT:
            raise DamagedMemberError(
                name, found=f"{member.size} bytes", expected=f"at most {MOST_TEXT}"
            )
        return archive.read(member.name)

    def _add_zip(self, member: Member, stack: ExitStack) -> None:
        try:
            stream = stack.enter_context(self._open(member))
            refuse_large_directory(stream, member.name)
            file = stack.enter_context(zipfile.ZipFile(stream))
            inner = ZipArchive(Path(member.name), file)
        except InputError as error:
            self._reject(member.name, str(error.found), str(error.expected))
        except ZIP_ERRORS as error:
            self._reject(member.name, str(error), "a whole zip file")
        else:
            for item in inner.members:
                self._inner[f"{member.name}/{item.name}"] = (inner, item)

    def _open(self, member: Member) -> BinaryIO:
        """Open a zip where it lies in a folder; read one that lies in a zip."""
        if isinstance(self._outer, FolderArchive):
            return self._outer.open(member.name)
        self._in_memory += member.size
        if self._in_memory > MOST_IN_MEMORY:
            found = f"zips of {self._in_memory} bytes within a zip"
            raise DamagedMemberError(member.name, found=found, expected=_UNPACK)
        return io.BytesIO(self._outer.read(member.name))

    def _reject(self, name: str, found: str, expected: str) -> None:
        self.rejections.append(Rejection(name, "damaged", found, expected))


@contextmanager
def open_site_archive(path: Path) -> Iterator[SiteArchive]:
    """Open a folder or a zip, and the zips in it.

    Raises
    ------
    InputError
        As of `open_archive`. A zip inside that can't be read is a rejection.
    """
    with open_archive(path) as outer, ExitStack() as stack:
        yield SiteArchive(outer, stack)
