"""The leaderboard: one table for each release and split, and no mixing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from factories.cards import (
    HOSTILE,
    digest_of,
    make_card,
    make_finding,
    write_card,
    write_made,
)
from factories.web.page_text import Reading
from somobench.cards.leaderboard import (
    find_cards,
    group_cards,
    leaderboard_page,
    read_cards,
)
from somobench.cli import app
from somobench.pages.texts import write_score
from somobench.schemas.errors import (
    InputError,
    IntegrityError,
    UsageError,
    ValidationError,
)

pytestmark = pytest.mark.heavy


def page_of(*folders: Path) -> str:
    return leaderboard_page(read_cards(find_cards(folders)))


def change(folder: Path, **changes: Any) -> Path:
    path = folder / "score.json"
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(record | changes), "utf-8")
    return folder


def test_cards_are_grouped_by_release_and_split(tmp_path: Path) -> None:
    write_card(tmp_path / "a", "model-a")
    write_card(tmp_path / "b", "model-b")
    write_card(tmp_path / "c", "model-a", split="spatial")
    write_card(tmp_path / "d", "model-a", release="uscrn-1.0.0")
    cards = read_cards(find_cards([tmp_path]))
    assert {key: len(own) for key, own in group_cards(cards).items()} == {
        ("uscrn-1.0.0", "temporal"): 1,
        ("virtual-0.1.0", "spatial"): 1,
        ("virtual-0.1.0", "temporal"): 2,
    }


def test_every_score_on_the_page_is_a_row_of_some_card(tmp_path: Path) -> None:
    made = [make_card("model-a", skill=0.7), make_card("model-b", skill=0.5)]
    for place, (record, tables) in enumerate(made):
        write_made(tmp_path / str(place), record, tables)
    rows = {
        tuple(write_score(row[key]) for key in ("value", "low", "high"))
        for _, tables in made
        for row in tables["scores"].to_dict("records")
    }
    found = Reading(page_of(tmp_path)).triples()
    # Six metrics in the table and one in the plot, for both.
    assert len(found) == 14
    assert set(found) <= rows


def test_best_score_stands_first(tmp_path: Path) -> None:
    for name, skill in (("low", 0.4), ("high", 0.8), ("middle", 0.6)):
        write_card(tmp_path / name, name, skill=skill)
    text = page_of(tmp_path)
    table = text[text.index('aria-label="Submissions"') :]
    places = [
        table.index(f'scope="row" data-key="{n}"') for n in ("high", "middle", "low")
    ]
    assert places == sorted(places)


def test_overview_shows_the_headline_on_every_split(tmp_path: Path) -> None:
    write_card(tmp_path / "a", "model-a", skill=0.85)
    write_card(tmp_path / "b", "model-a", split="spatial", skill=0.3)
    lines = Reading(page_of(tmp_path)).text.split("\n")
    row = lines.index("model-a")
    # Splits in the order of their names: spatial, temporal.
    assert lines[row + 1 : row + 3] == ["not even the lowest", "Reanalysis"]


def test_incomplete_submissions_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    write_card(tmp_path / "a", "whole")
    write_card(tmp_path / "b", "part", given=1200)
    text = page_of(tmp_path)
    whole, part = text.split('aria-label="Incomplete submissions"')
    name = 'scope="row" data-key="{}"'
    assert name.format("whole") in whole[whole.index('aria-label="Submissions"') :]
    assert name.format("part") not in whole[whole.index('aria-label="Submissions"') :]
    assert name.format("part") in part
    assert "Reanalysis (incomplete)" in whole


def test_pins_of_release_split_and_submission_are_on_the_page(tmp_path: Path) -> None:
    record, tables = make_card()
    text = page_of(write_made(tmp_path / "a", record, tables))
    for digest in (
        record["manifest_sha256"],
        record["split_sha256"],
        record["submission"]["values_sha256"],
        record["submission"]["file_sha256"],
        record["ladder"]["sha256"],
        record["code"]["sha256"],
    ):
        assert f">{digest}<" in text


@pytest.mark.parametrize("pin", ["manifest_sha256", "split_sha256"])
def test_cards_scored_on_other_data_under_one_name_are_refused(
    tmp_path: Path, pin: str
) -> None:
    write_card(tmp_path / "a", "model-a")
    change(write_card(tmp_path / "b", "model-b"), **{pin: digest_of("other")})
    with pytest.raises(IntegrityError, match=digest_of("other")):
        page_of(tmp_path)


def test_other_manifest_is_refused_across_splits_too(tmp_path: Path) -> None:
    write_card(tmp_path / "a", "model-a")
    other = write_card(tmp_path / "b", "model-a", split="spatial")
    change(other, manifest_sha256=digest_of("other"))
    with pytest.raises(IntegrityError, match="manifest of release virtual-0.1.0"):
        page_of(tmp_path)


def test_different_ladders_sources_and_copies_are_reported(tmp_path: Path) -> None:
    record, tables = make_card("model-a")
    write_made(tmp_path / "a", record, tables)
    quiet = Reading(page_of(tmp_path)).text
    other, tables = make_card("model-b")
    other["submission"]["values_sha256"] = record["submission"]["values_sha256"]
    other["ladder"]["sha256"] = digest_of("another ladder")
    other["code"]["sha256"] = digest_of("other sources")
    write_made(tmp_path / "b", other, tables)
    text = Reading(page_of(tmp_path)).text
    for warning in (
        "compared with different ladders",
        "computed by different versions",
        "The same predictions were handed in as: model-a, model-b.",
    ):
        assert warning in text
        assert warning not in quiet


def test_ladder_that_is_not_the_release_s_is_marked(tmp_path: Path) -> None:
    warning = "not known to be the release\u2019s own: model-b."
    write_card(tmp_path / "a", "model-a", skill=0.85)
    assert warning not in Reading(page_of(tmp_path)).text
    record, tables = make_card("model-b", skill=0.85)
    record["ladder"]["of_release"] = False
    write_made(tmp_path / "b", record, tables)
    text = Reading(page_of(tmp_path)).text
    assert warning in text
    assert "Reanalysis (other ladder)" in text


def test_scores_against_measured_targets_are_told_apart(tmp_path: Path) -> None:
    warning = "own grids, scored against targets as measured"
    record, tables = make_card("grid")
    record["scaling"]["name"] = "none"
    write_made(tmp_path / "a", record, tables)
    assert warning not in Reading(page_of(tmp_path)).text
    write_card(tmp_path / "b", "model-b")
    assert warning in Reading(page_of(tmp_path)).text


def test_copies_are_listed_with_the_reason_and_not_ranked(tmp_path: Path) -> None:
    write_card(tmp_path / "a", "honest", skill=0.6)
    write_card(tmp_path / "b", "copy", skill=0.9, findings=[make_finding()])
    text = page_of(tmp_path)
    name = 'scope="row" data-key="{}"'
    table = text[text.index('aria-label="Submissions"') :]
    assert name.format("honest") in table
    assert name.format("copy") not in table[: table.index("</table>")]
    shown = Reading(text).text
    assert "are not ranked" in shown
    assert "the predictions equal the target, in 8 of 8 series" in shown
    assert "no ladder" not in shown


def test_a_copy_that_is_marked_too_is_not_called_ranked(tmp_path: Path) -> None:
    said = "ranked all the same"
    mark = {
        "check": "day_to_day",
        "limit": 0.784,
        "value": 1.0,
        "what": "those of reanalysis by 0.46",
    }
    for name, findings in (("copy", [make_finding()]), ("honest", [])):
        record, tables = make_card(name, findings=findings)
        record["marks"] = [mark]
        write_made(tmp_path / name, record, tables)
    assert said not in Reading(page_of(tmp_path / "copy")).text
    text = Reading(page_of(tmp_path)).text
    assert text.count(said) == 1
    assert text.count("(marked)") == 1


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    write_card(tmp_path / "a", HOSTILE)
    found = Reading(page_of(tmp_path))
    assert HOSTILE in found.text
    assert found.tags.count("script") == 1
    assert not {"img", "onerror"} & set(found.tags)
    assert all(address.startswith("#") for address in found.addresses)


def test_all_refused_cards_are_named_at_once(tmp_path: Path) -> None:
    write_card(tmp_path / "good", "model-a")
    change(write_card(tmp_path / "bad-1", "model-b"), model="model-c")
    (write_card(tmp_path / "bad-2", "model-d") / "scores.parquet").unlink()
    with pytest.raises(ValidationError) as caught:
        page_of(tmp_path)
    where = " ".join(failure.where for failure in caught.value.failures)
    assert "bad-1" in where
    assert "bad-2" in where
    assert "good" not in where


def test_folder_without_a_card_or_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no score.json"):
        find_cards([tmp_path])
    card = write_card(tmp_path / "a")
    with pytest.raises(UsageError, match=f"found: *2, given twice: {card}\n"):
        find_cards([card, tmp_path])


def test_command_writes_the_page_once(tmp_path: Path) -> None:
    card = write_card(tmp_path / "a")
    out = tmp_path / "board.html"
    command = ["leaderboard", str(card), "--out", str(out)]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["groups"] == [
        {
            "cards": 1,
            "not_ranked": [],
            "release": "virtual-0.1.0",
            "split": "temporal",
        }
    ]
    assert out.read_text("utf-8") == page_of(card)
    again = CliRunner().invoke(app, command)
    assert isinstance(again.exception, UsageError)
    assert CliRunner().invoke(app, [*command, "--overwrite"]).exit_code == 0


def test_command_names_what_is_not_ranked(tmp_path: Path) -> None:
    card = write_card(tmp_path / "a", "copy", findings=[make_finding()])
    command = ["leaderboard", str(card), "--out", str(tmp_path / "board.html")]
    done = CliRunner().invoke(app, command)
    assert "not ranked, no prediction of a model: copy" in done.output


def test_command_refuses_other_suffixes(tmp_path: Path) -> None:
    card = write_card(tmp_path / "a")
    out = tmp_path / "board.csv"
    done = CliRunner().invoke(app, ["leaderboard", str(card), "--out", str(out)])
    assert isinstance(done.exception, UsageError)
    assert not out.exists()
