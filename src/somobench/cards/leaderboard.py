"""Many score cards as one page: a table for each release and split, pins included.

Cards of one release id must name one manifest, and of one split one hash of its rows;
otherwise scores of different data would stand in one table.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from somobench.cards import leaderboard_sections
from somobench.cards.folder import Card, read_card
from somobench.metrics.registry import REFERENCE_MOMENTS as REFERENCE_TEXT
from somobench.pages.frame import render_page
from somobench.pages.texts import MOMENTS_MARK, show_whole_hash
from somobench.schemas.errors import (
    Failure,
    InputError,
    IntegrityError,
    SomobenchError,
    UsageError,
    ValidationError,
)
from somobench.scoring.files import SCORE_FILE

MAXIMUM_CARDS = 2000
SHOWN = 3  # folders named

Group = tuple[str, str]


def find_cards(folders: Iterable[Path]) -> list[Path]:
    """Return the folders that hold a card: those given, or else those right inside.

    Raises
    ------
    InputError
        If a folder has no card.
    UsageError
        If a card is given twice, or there are too many.
    """
    found: list[Path] = []
    for folder in folders:
        inside = [folder] if (folder / SCORE_FILE).exists() else []
        if not inside and folder.is_dir():
            inside = sorted(item.parent for item in folder.glob(f"*/{SCORE_FILE}"))
        if not inside:
            raise InputError(
                f"folder {folder}",
                found=f"no {SCORE_FILE} in it or right below",
                expected="what `somobench evaluate` writes",
            )
        found += inside
    counted = Counter(path.resolve() for path in found)
    twice = [path for path, count in counted.items() if count > 1]
    if twice or len(found) > MAXIMUM_CARDS:
        named = ", ".join(map(str, twice[:SHOWN])) + (", ..." if twice[SHOWN:] else "")
        raise UsageError(
            "score cards",
            found=f"{len(found)}" + (f", given twice: {named}" if twice else ""),
            expected=f"each once, {MAXIMUM_CARDS} at most",
        )
    return found


def read_cards(folders: Sequence[Path]) -> list[Card]:
    """Read and check cards, and tell of every one that is refused.

    Raises
    ------
    ValidationError
        If a card can't be read or says other than its tables.
    """
    cards, failures = [], []
    for folder in folders:
        try:
            cards.append(read_card(folder))
        except ValidationError as error:
            failures += [
                item._replace(where=f"{folder}: {item.where}")
                for item in error.failures
            ]
        except SomobenchError as error:
            failures.append(Failure(str(folder), str(error.found), str(error.expected)))
    if failures:
        raise ValidationError("score cards", failures)
    return cards


def group_cards(cards: Iterable[Card]) -> dict[Group, list[Card]]:
    """Group cards by release and split, in the order of their names.

    Raises
    ------
    IntegrityError
        If cards of one release name different manifests, or of one split different
        rows.
    """
    groups: dict[Group, list[Card]] = defaultdict(list)
    pins: dict[str, set[str]] = defaultdict(set)
    for card in cards:
        record = card.record
        groups[record.release, record.split].append(card)
        pins[f"manifest of release {record.release}"].add(record.manifest_sha256)
        split = f"split {record.split} of release {record.release}"
        pins[split].add(record.split_sha256)
    for what, hashes in sorted(pins.items()):
        if len(hashes) > 1:
            raise IntegrityError(
                what,
                found=f"{len(hashes)} hashes: {', '.join(sorted(hashes))}",
                expected="one, the same in every card",
                hint="leave out the cards that were scored on other data",
            )
    return dict(sorted(groups.items()))


def leaderboard_page(cards: Sequence[Card]) -> str:
    """Return the page of cards: one table for each release and split.

    Raises
    ------
    IntegrityError
        As `group_cards`.
    UsageError
        If there is no card.
    """
    if not cards:
        raise UsageError("leaderboard", found="no score card", expected="one or more")
    groups = group_cards(cards)
    return render_page(
        "SoMoBench leaderboard",
        subtitle="Submissions by release and split",
        is_virtual=any(card.record.is_virtual for card in cards),
        template="leaderboard.html.j2",
        package="somobench.cards",
        groups=groups,
        releases=_group_releases(groups),
        parts=leaderboard_sections,
        show_hash=show_whole_hash,
        moments_mark=MOMENTS_MARK,
        reference_text=REFERENCE_TEXT,
    )


def _group_releases(groups: dict[Group, list[Card]]) -> dict[str, list[Card]]:
    releases: dict[str, list[Card]] = defaultdict(list)
    for (release, _), cards in groups.items():
        releases[release] += cards
    return dict(releases)
