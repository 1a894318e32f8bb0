"""Write a score card: tables, record and page, all of them or none."""

from __future__ import annotations

import errno
import os
from collections.abc import Set as AbstractSet
from pathlib import Path

from somobench.cards.folder import build_card
from somobench.cards.page import card_page
from somobench.catalog.storage.atomic import (
    replace_file,
    write_json,
    write_parquet,
    write_text,
)
from somobench.schemas.errors import UsageError
from somobench.scoring.evaluate import Evaluation
from somobench.scoring.files import REPORT_FILE, SCORE_FILE, TABLE_FILES


def write_card(
    evaluation: Evaluation, folder: Path | str, *, overwrite: bool = False
) -> None:
    """Write the tables, score.json and report.html, all of them or none.

    Raises
    ------
    UsageError
        If the folder holds something else, or scores that may not be replaced.
    """
    card = build_card(evaluation.record, evaluation.tables)
    target = Path(folder)
    check_folder(target, overwrite=overwrite)
    try:
        _write_files(evaluation, target, card_page(card, evaluation.cells), overwrite)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        check_folder(target, overwrite=overwrite)
        raise


def _write_files(
    evaluation: Evaluation, target: Path, page: str, overwrite: bool
) -> None:
    with replace_file(target, new=not overwrite) as partial:
        partial.mkdir()
        for name, table in evaluation.tables.items():
            write_parquet(table, partial / TABLE_FILES[name])
        write_json(evaluation.record.model_dump(mode="json"), partial / SCORE_FILE)
        write_text(page, partial / REPORT_FILE)


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that may not be replaced, before anything is computed."""
    own = {SCORE_FILE, REPORT_FILE, *TABLE_FILES.values()}
    refuse_other_files(folder, own, "scores", overwrite=overwrite)


def refuse_other_files(
    folder: Path, own: AbstractSet[str], what: str, *, overwrite: bool
) -> None:
    """Refuse a folder with files of others, or with our own unless `overwrite`.

    One that can't be made or written is refused too.

    Parameters
    ----------
    folder : Path
    own : set of str
        Names of files that may be replaced.
    what : str
        What these files are, for the message.
    overwrite : bool

    Raises
    ------
    UsageError
        Naming some of the files, or what stands in the way.
    """
    _refuse_unwritable(folder)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    held = {item.name for item in folder.iterdir()} if folder.is_dir() else {"a file"}
    if overwrite and held <= own:
        return
    raise UsageError(
        f"folder {folder}",
        found=", ".join(sorted(held)[:5]),
        expected="a new or empty folder"
        + (f", or one with nothing but {what}" if overwrite else ""),
        hint="choose another name" + ("" if overwrite else ", or add --overwrite"),
    )


def _refuse_unwritable(folder: Path) -> None:
    """Refuse a folder that can't get its name, as far as the system tells."""
    whole = folder.absolute()
    try:
        place = next(path for path in (whole, *whole.parents)[1:] if path.exists())
        folder.exists()
        code = 0 if place.is_dir() else errno.ENOTDIR
        if not code and not os.access(place, os.W_OK | os.X_OK):
            code = errno.EACCES
    except OSError as error:
        place, code = whole.parent, error.errno or errno.EINVAL
    if code:
        raise UsageError(
            f"folder {str(folder)[:200]}",
            found=f"{str(place)[:200]}: {os.strerror(code)}",
            expected="a name in a folder that may be written",
            hint="choose another place",
        )
