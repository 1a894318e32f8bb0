r"""The ISMN archive as a station source: header+values and both CEOP layouts.

Either every row of a file is read as it stands, or the file is rejected; a row is
never left out here. What happens to each fault:

| found | outcome | reason |
| --- | --- | --- |
| `..`, absolute, doubled, linked, encrypted or bomb members | archive refused | error |
| member with a bad checksum, cut short or above 1 GiB | file rejected | damaged member |
| a zip or gzip inside the archive | file rejected | nested archive |
| a member that is no station file nor known companion | file rejected | not a station file |
| hidden files, `__MACOSX`, `python_metadata`, `Thumbs.db` and their kin | passed over | |
| name without dates; unknown variable | file rejected | file name |
| no byte, or blanks only | file rejected | empty file |
| byte-order mark | file rejected | byte-order mark |
| first line neither header nor CEOP row; nine columns | file rejected | header |
| first line not UTF-8 (such as latin-1) | file rejected | not UTF-8 |
| control or terminal characters in the first line | file rejected | control character |
| depth in the file is not that of its name (cm for m) | file rejected | depth differs from file name |
| depth_from > depth_to, negative, above 100 m | file rejected | impossible depth |
| \|latitude\| > 90 with a longitude that could be one | file rejected | swapped coordinates |
| outside -90..90 or -180..180 (such as 0..360), NaN, 0/0 | file rejected | impossible coordinates |
| header only | file rejected | no rows |
| last line cut off | file rejected | truncated file |
| 24:00, :60, 30 February, day-first dates, epoch seconds, year beyond 2199 | file rejected | unreadable row |
| decimal comma, NUL, missing flag, further numbers in a row | file rejected | unreadable row |
| place or depth that changes between CEOP rows | file rejected | unreadable row |

A row that can't be read rejects its file because a machine wrote the file: one such
row means that its columns are not what they seem. These are left to the rules after
the reader, which drop and count values by reason, or reject the file:

| found | outcome | reason |
| --- | --- | --- |
| unsorted rows | put in order, counted | rows out of order |
| one time twice, same good value | one kept, others dropped | duplicate time |
| one time twice, other good values | all dropped | conflicting time |
| flag other than a good one, joined or legacy | dropped | flag ... |
| NaN, inf | dropped | not finite |
| below 0 (-9999, -99.9) flagged good | dropped | negative |
| above 1 (9999, 1e20) flagged good | dropped | above 1 |
| most good values above 1 (percent, mm, Kelvin) | file rejected | not m3 m-3 |
| time before or after the days in the file's name | dropped | outside declared days |
| time outside the recipe's period (future dates) | dropped | outside period |
| latitude and longitude swapped, seen from the network | file rejected | swapped coordinates |
| two files of one sensor | the longer is kept | duplicate sensor |

A provider's flag may be a text of several words (`DLT >= 1.5,OK`). The header counts
for names and place, the file's name for depths; see `names`.

Sensors that stand still, drift or jump are ISMN's flags to find, not this reader's.
"""  # noqa: E501 (a table's rows stay whole)

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from somobench.pipelines.stations import DayDefinition, Rejection, SensorSeries
from somobench.pipelines.stations.archive import (
    Archive,
    Content,
    DamagedMemberError,
    Member,
    open_archive,
)
from somobench.pipelines.stations.ismn.ceop import PLACES, read_ceop_file
from somobench.pipelines.stations.ismn.names import (
    FileName,
    FileRefusedError,
    parse_file_name,
    parse_opening,
)
from somobench.pipelines.stations.ismn.rows import RowError, parse_rows
from somobench.pipelines.stations.portions import read_portions

STATION_SUFFIX = ".stm"
COMPANIONS = frozenset(
    {".csv", ".xml", ".txt", ".pdf", ".html", ".htm", ".md", ".json", ".log", ".bib"}
    | {".png", ".jpg", ".kml", ".geojson", ".md5", ".sha256", ".doc", ".docx", ".xlsx"}
)
ARCHIVES = frozenset({".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".zst"})

_MAGIC = {b"PK\x03\x04": "a zip", b"\x1f\x8b": "gzip data"}
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_STATION_FILE = "text of an ISMN station file"


class IsmnSource:
    """Reads ISMN downloads; days are UTC, every value carries a quality flag."""

    day_definition: DayDefinition = "UTC"
    has_flags = True
    minimum_count: int | None = None

    def read(
        self, path: Path, *, variable: str = "sm"
    ) -> Iterator[SensorSeries | Rejection]:
        """Give every file of a variable in the order of member names.

        A few portions are held in memory. Files of other variables are skipped; files
        whose variable isn't known are rejected.

        Parameters
        ----------
        path : Path
            A zip as downloaded, or a folder.
        variable : str
            ISMN's code: `sm`, `ts`, `p`, `ta`, ...

        Raises
        ------
        InputError
            If the archive as a whole is damaged or hostile.
        """
        with open_archive(path) as archive:

            def read(members: Sequence[Member]) -> list[SensorSeries | Rejection]:
                return list(self.read_members(archive, members, variable=variable))

            for portion in read_portions(read, archive.members):
                yield from portion

    def read_members(
        self, archive: Archive, members: Sequence[Member], *, variable: str = "sm"
    ) -> Iterator[SensorSeries | Rejection]:
        """Give the files of a variable among some members of an archive, as `read`."""
        for job in _plan_jobs(members, variable):
            if isinstance(job, Rejection):
                yield job
            else:
                yield from read_member(archive, *job, variable)


def _plan_jobs(
    members: Sequence[Member], variable: str
) -> Iterator[tuple[Member, FileName] | Rejection]:
    """Members to read, and those that their name alone rejects."""
    for member in members:
        path = PurePosixPath(member.name)
        suffix = path.suffix.lower()
        if suffix == STATION_SUFFIX:
            try:
                name = parse_file_name(member.name)
            except FileRefusedError as error:
                yield _make_rejection(member.name, error)
                continue
            if name.variable == variable or (name.is_ceop and variable in PLACES):
                yield member, name
        elif suffix in ARCHIVES:
            expected = "station files themselves; unpack it first"
            yield Rejection(member.name, "nested archive", suffix, expected)
        elif suffix not in COMPANIONS:
            expected = f"a name that ends with {STATION_SUFFIX}"
            yield Rejection(member.name, "not a station file", path.name, expected)


def read_member(
    archive: Archive, member: Member, name: FileName, variable: str
) -> Sequence[SensorSeries | Rejection]:
    """Read one station file of an archive; a CEOP reference file has many depths."""
    try:
        content = archive.read_buffer(member.name)
        if name.is_ceop:
            _check_bytes(content)
            return read_ceop_file(content, name, member.name, variable)
        return [read_file(content, name, member.name)]
    except DamagedMemberError as error:
        found, expected = str(error.found), str(error.expected)
        return [Rejection(member.name, "damaged member", found, expected)]
    except FileRefusedError as error:
        return [_make_rejection(member.name, error)]


def read_file(content: Content, name: FileName, member: str) -> SensorSeries:
    """Read the bytes of one station file.

    Raises
    ------
    FileRefusedError
        With a reason of the module's table.
    """
    _check_bytes(content)
    opening = parse_opening(content, name, member)
    rows = parse_rows(
        content, start=opening.start, line=opening.line, segment=opening.segment
    )
    if isinstance(rows, RowError):
        reason = "truncated file" if rows.truncated else "unreadable row"
        raise FileRefusedError(reason, found=rows.found, expected=rows.expected)
    if not len(rows.values):
        raise FileRefusedError("no rows", found="a header", expected="rows after it")
    return SensorSeries(
        opening.metadata,
        rows.times,
        rows.values,
        rows.flag_codes,
        rows.flag_names,
        rows.provider_codes,
        rows.provider_names,
        name.start,
        name.end,
        opening.notes,
    )


def _check_bytes(content: Content) -> None:
    if not content or content.isspace():
        found = f"{len(content)} bytes"
        raise FileRefusedError("empty file", found=found, expected=_STATION_FILE)
    if content.startswith(_BYTE_ORDER_MARKS):
        found = ascii(content[:3])
        raise FileRefusedError("byte-order mark", found=found, expected=_STATION_FILE)
    for magic, kind in _MAGIC.items():
        if content.startswith(magic):
            raise FileRefusedError("nested archive", found=kind, expected=_STATION_FILE)


def _make_rejection(member: str, error: FileRefusedError) -> Rejection:
    return Rejection(member, error.reason, str(error.found), str(error.expected))
