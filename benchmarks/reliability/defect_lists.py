"""Every list of single defects, each defect as a way to write a spoilt release."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from factories.faults import second_list, vouched
from factories.faults.fifth_list import FIFTH_LIST
from factories.faults.fifth_list.harm import find_harm
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
        apart = "can't be contradicted" if it.unknowable else ""
        if it.part == "predictions":
            apart = "lie beside the folder"
        if f"{it.part}: {it.name}" in CHANGING_NOTHING:
            apart = "change nothing here"
        yield Listed(it.part, it.name, functools.partial(_write_second, it), apart)


def list_opened(
    parts: Mapping[str, Iterable[Defect]], *, harmful: bool = False
) -> Iterator[Listed]:
    """Give changes of an opened release; harmful ones by the measure of their list."""
    for part, defects in parts.items():
        for defect in defects:
            write = functools.partial(_write_opened, defect, part if harmful else None)
            yield Listed(part, defect.__name__, write)


LISTS: Mapping[str, Callable[[], Iterator[Listed]]] = MappingProxyType(
    {
        "first": list_mutations,
        "held out": list_held_out,
        "second": list_second,
        "third": functools.partial(list_opened, THIRD_LIST),
        "fourth": functools.partial(list_opened, FOURTH_LIST),
        "fifth": functools.partial(list_opened, FIFTH_LIST, harmful=True),
    }
)
ORIGINS: Mapping[str, str] = MappingProxyType(
    {
        "first": "written together with the checks",
        "held out": "as a faulty pipeline or a careless hand leaves them, written down "
        "before the checks were looked at (4a00639)",
        "second": "from the format and a release, by who had seen no check; a third of "
        "it tried on the checks as they stood (685e9d4), the rest after checks were "
        "added with the missed ones of that third in view (ba8a6c8)",
        "third": "by who had seen no check and no other list; what a faulty pipeline "
        "derives from its own values is mostly carried along (80034a4)",
        "fourth": "as the third, most of it of weather and of the reanalysis (43a8de4)",
        "fifth": "as the third, of what harms a user by a measure that it states, all "
        "written before any was tried (e7f55a6)",
    }
)
"""How each list came about, and the checks that first saw it."""
FIRST_SIGHT: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "held out": (114, 239),
        "second": (131 + 311, 158 + 320),
        "third": (127, 150),
        "fourth": (164, 178),
        "fifth": (101, 110),
    }
)
"""Of a list what was found, and what was tried, when the checks first saw it."""
REPEATED_NOWHERE = "nothing else in a folder says where a station stands"
WHY_MISSED: Mapping[str, str] = MappingProxyType(
    {
        "held out | cells: sand and silt swapped": "in every cell at once, and the "
        "third share of a soil is what the other two leave: fits hardly differ, and "
        "such soils exist",
        "second | shift_costs: one cost is 0.2 too high, with its interval": "a median "
        "of losses of trees, which aren't fitted again, and no pairs lie in the folder",
        "third | stations: elevation_in_feet": "mountains rise as high in a cell",
        "third | stations: station_moved_within_the_cell": REPEATED_NOWHERE,
        "fourth | stations: positions_rounded": REPEATED_NOWHERE,
        "fifth | targets: spread_with_another_divisor": "of other sensors' series no "
        "value lies in the folder",
        "fifth | forcing: rain_of_the_hour_beginning": "an hour of a day's rain",
        "fifth | forcing: evaporation_without_bare_soil": "evaporation of a region "
        "differs as much from that of another",
        "fifth | stations: heights_of_one_station_for_all": "those of a plain may be "
        "equal",
        "fifth | stations: values_counted_before_the_flags": "networks may have no gap "
        "and no flag",
        "fifth | scores: intervals_of_another_level": "blocks are as long as errors of "
        "all rungs last, whose predictions lie beside the folder",
        "fifth | documents: truth_compared_with_unscaled_sensors": "no truth lies in "
        "the folder",
    }
)
"""By a defect's list and name why no check contradicts it."""
CHANGING_NOTHING = ("encoding: splits are those of an older release",)
"""Of the second list, of this release: both have the same splits."""


def _write_vouched(defect: vouched.Defect, root: Path) -> Path:
    return vouched.write_spoilt(RELEASE, defect, root)


def _write_second(defect: second_list.Defect, root: Path) -> Path:
    (root / "older").symlink_to(OLDER)
    folder = second_list.Folder(RELEASE, root / "releases" / RELEASE.name)
    defect.apply(folder)
    return folder.write()


def _write_opened(defect: Defect, harmed: str | None, root: Path) -> Path:
    opened = Opened(RELEASE)
    defect(opened)
    if harmed and not find_harm(opened, RELEASE, harmed):
        message = f"{defect.__name__} harms nobody by the measure of its list"
        raise ValueError(message)
    return write_copy(opened, root / RELEASE.name)
