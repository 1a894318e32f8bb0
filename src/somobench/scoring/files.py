"""The files of a score card, by the name of what they hold."""

from __future__ import annotations

from somobench.schemas.scores import CELL_SCORES, LEAD_SCORES, SCORES

SCORE_FILE, REPORT_FILE = "score.json", "report.html"
TABLE_FILES = {
    "scores": "scores.parquet",
    "cell_scores": "cell_scores.parquet",
    "lead_scores": "lead_scores.parquet",
}
TABLE_SCHEMAS = {
    "scores": SCORES,
    "cell_scores": CELL_SCORES,
    "lead_scores": LEAD_SCORES,
}
