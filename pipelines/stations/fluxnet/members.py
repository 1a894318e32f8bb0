"""Members of a FLUXNET archive: files of a folder or zip, and of the zips in it.

The data portal delivers a zip a site; a folder of them is one archive. Zips in zips are
read in memory, one level deep, under the rules of every archive.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from somobench.pipelines.stations import Rejection
from somobench.pipelines.stations.archive import (
    Archive,
    DamagedMemberError,
    Member,
    ZipArchive,
    open_archive,
)
from somobench.schemas.errors import InputError

ZIP = ".zip"


class SiteArchive:
    """Every file of an archive by its name, `site.zip/file.csv` within a zip."""

    def __init__(self, outer: Archive, stack: ExitStack) -> None:
        self._outer = outer
        self._inner: dict[str, tuple[Archive, str]] = {}
        self.rejections: list[Rejection] = []
        for member in outer.members:
            if member.name.lower().endswith(ZIP):
                self._add_zip(member, stack)
            else:
                self._inner[member.name] = (outer, member.name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all files, sorted."""
        return tuple(sorted(self._inner))

    def read(self, name: str) -> bytes:
        """Return a file's bytes, or raise DamagedMemberError."""
        archive, member = self._inner[name]
        return archive.read(member)

    def _add_zip(self, member: Member, stack: ExitStack) -> None:
        try:
            content = io.BytesIO(self._outer.read(member.name))
            file = stack.enter_context(zipfile.ZipFile(content))
            inner = ZipArchive(Path(member.name), file)
        except DamagedMemberError as error:
            self._reject(member.name, str(error.found), str(error.expected))
        except InputError as error:
            self._reject(member.name, str(error.found), str(error.expected))
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            self._reject(member.name, str(error), "a whole zip file")
        else:
            for item in inner.members:
                self._inner[f"{member.name}/{item.name}"] = (inner, item.name)

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
