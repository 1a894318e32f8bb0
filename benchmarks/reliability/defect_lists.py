"""Every list of single defects, each defect as a way to write a spoilt release."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from factories.faults import second_list, vouched
from factories.faults.fourth_list import FOURTH_LIST
from factories.faults.held_out import HELD_OUT
from factories.faults.mutations import MUTATIONS
from factories.faults.third_list import THIRD_LIST
from factories.faults.third_list.opened import Defect, Opened
from factories.faults.third_list.writing import write_copy
from somobench.recognise import GRIDS

ROOT = Path(__file__).resolve().parents[2]
RELEASE, OLDER = (ROOT / "releases" / f"virtual-{it}" for it in ("2.0.0", "1.1.0"))


@dataclass(frozen=True)
class Listed:
    """One defect of a list."""

    part: str
    words: str
    write: Callable[[Path], Path]
    """Writes a spoilt copy of the release into an empty folder, and returns it."""
    apart: str = ""
    """Why it doesn't count with the others, if it doesn't."""

    @property
    def name(self) -> str:
        return f"{self.part}: {self.words}"


def list_mutations() -> Iterator[Listed]:
    """Give changes of one table or grid."""
    for kind, changes in MUTATIONS.items():
        put = vouched.in_grid if kind in GRIDS else vouched.in_table
        for words, change in changes.items():
            write = functools.partial(_write_vouched, put(kind, change))
            yield Listed(kind, words, write)


def list_held_out() -> Iterator[Listed]:
    """Give changes of files of a folder."""
    for part, (_, defects) in HELD_OUT.items():
        for words, defect in defects.items():
            yield Listed(part, words, functools.partial(_write_vouched, defect))


def list_second() -> Iterator[Listed]:
    """Give changes of a folder that is in memory, and of the predictions beside it."""
    for it in second_list.DEFECTS:
        beside = "beside the folder" if it.part == "predictions" else ""
        write = functools.partial(_write_second, it)
        yield Listed(it.part, it.name, write, it.unknowable or beside)


def list_opened(parts: Mapping[str, Iterable[Defect]]) -> Iterator[Listed]:
    """Give changes of an opened release."""
    for part, defects in parts.items():
        for defect in defects:
            write = functools.partial(_write_opened, defect)
            yield Listed(part, defect.__name__, write)


LISTS: Mapping[str, Callable[[], Iterator[Listed]]] = MappingProxyType(
    {
        "first": list_mutations,
        "held out": list_held_out,
        "second": list_second,
        "third": functools.partial(list_opened, THIRD_LIST),
        "fourth": functools.partial(list_opened, FOURTH_LIST),
    }
)


def _write_vouched(defect: vouched.Defect, root: Path) -> Path:
    return vouched.write_spoilt(RELEASE, defect, root)


def _write_second(defect: second_list.Defect, root: Path) -> Path:
    (root / "older").symlink_to(OLDER)
    folder = second_list.Folder(RELEASE, root / "releases" / RELEASE.name)
    defect.apply(folder)
    return folder.write()


def _write_opened(defect: Defect, root: Path) -> Path:
    opened = Opened(RELEASE)
    defect(opened)
    return write_copy(opened, root / RELEASE.name)
