"""A submission's scores as one page for people."""

from __future__ import annotations

from typing import Any

from somobench.metric_registry import METRICS
from somobench.page import Markup, Section, bullets, notice, page, paragraph, table

DIGITS = 3
_LADDER_HEAD = ("rung", "difference", "low", "high", "series", "cell-days", "beaten")


def score_page(record: dict[str, Any]) -> str:
    """Return the HTML page of a score.

    Parameters
    ----------
    record : dict
        Content of score.json.
    """
    sections = [
        Section("ladder", "The ladder", _ladder_blocks(record["headline"])),
        Section("scores", "Scores", _score_blocks(record)),
    ]
    if "lead_times" in record:
        blocks = _lead_blocks(record["lead_times"])
        sections.append(Section("lead-times", "Lead times", blocks))
    sections.append(Section("provenance", "Provenance", _provenance_blocks(record)))
    simulated = record["release"].startswith("virtual-")
    return page(
        f"{record['model']} on {record['split']}",
        sections,
        subtitle=f"Release {record['release']}",
        banner="Simulated data, not observations." if simulated else None,
        opening=[notice(_opening(record["headline"]))],
    )


def _opening(headline: dict[str, Any]) -> str:
    if headline["available"]:
        return str(headline["sentence"])
    return f"Headline not available: {headline['reason']}."


def _ladder_blocks(headline: dict[str, Any]) -> tuple[Markup, ...]:
    if not headline["available"]:
        return (paragraph(_opening(headline)),)
    metric = METRICS[headline["metric"]].long_name
    title = f"Difference in {metric}, median over series, 90 % intervals"
    blocks = [table(_LADDER_HEAD, _ladder_rows(headline["rungs"]), title)]
    if headline["rungs_with_observations"]:
        rows = _ladder_rows(headline["rungs_with_observations"])
        apart = "Rungs that read observations, on common cell-days"
        blocks.append(table(_LADDER_HEAD, rows, apart))
    return tuple(blocks)


def _ladder_rows(rungs: list[dict[str, Any]]) -> list[list[object]]:
    words = {True: "yes", False: "no", None: "not estimable"}
    return [
        [
            item["rung"],
            *(_text(item[key]) for key in ("difference", "low", "high")),
            item["cell_count"],
            item["day_count"],
            words[item["beaten"]],
        ]
        for item in rungs
    ]


def _score_blocks(record: dict[str, Any]) -> tuple[Markup, ...]:
    found = record["summary"].get("plain", {})
    leading = record["summary"]["leading_metrics"]
    names = [name for name in leading if name in found]
    names += [name for name in METRICS if name in found and name not in names]
    rows = [
        [
            METRICS[name].long_name,
            *(_text(found[name][key]) for key in ("value", "low", "high")),
            "*" if found[name]["note"] else "",
        ]
        for name in names
    ]
    head = ("metric", "median", "low", "high", "note")
    shown = table(head, rows, "All layers, median over series, 90 % intervals")
    return (shown, paragraph("* ", *record["notes"].values()))


def _lead_blocks(leads: dict[str, Any]) -> tuple[Markup, ...]:
    return tuple(
        table(
            ("model", *(f"{day} d" for day in leads["lead_times"])),
            [[model, *map(_text, line["value"])] for model, line in curves.items()],
            METRICS[metric].long_name,
        )
        for metric, curves in leads["curves"].items()
    )


def _provenance_blocks(record: dict[str, Any]) -> tuple[Markup, ...]:
    submission, coverage = record["submission"], record["coverage"]
    return (
        bullets(
            [
                f"Submission {submission['name']}, file sha256 "
                f"{submission['file_sha256'] or 'none'}",
                f"Values sha256 {submission['values_sha256']}",
                f"Manifest sha256 {record['manifest_sha256']}",
                f"Split sha256 {record['split_sha256']}",
                f"Ladder sha256 {record['ladder']['sha256'] or 'none'}",
                f"somobench {record['code']['version']}, sources sha256 "
                f"{record['code']['sha256']}",
                f"{coverage['given']} of {coverage['asked']} cell-days predicted",
            ]
        ),
    )


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value:.{DIGITS}f}"
