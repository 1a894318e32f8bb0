"""Claims about models as rows: what each says, its number, and whether it holds.

A claim asks for a loss that is there, or for one that isn't. It holds, doesn't hold, or
is undecided by where the 90 % interval lies; nothing here is a matter of opinion but
the margin below which a loss doesn't count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from somobench.experiments.compare import CONTRAST
from somobench.experiments.coupling import DRY_DOWN, LIMITATION, OBSERVED
from somobench.experiments.coupling import WITH_EVAPORATION as WITH
from somobench.experiments.diversity import MANY, ONE, name_arm
from somobench.experiments.dry_down import NAME as DAYS
from somobench.experiments.extremes import MODELS as WEIGHTED
from somobench.experiments.extremes import RMSE_DRY, SEDI
from somobench.experiments.robustness import BOTH, OTHER, SAME, UNTRAINED
from somobench.experiments.scaling import MATCHED, MEASURED
from somobench.experiments.world import ENERGY, REANALYSIS, WATER
from somobench.neural.weights import EXTREME, QUANTILE, UNIFORM
from somobench.schemas.scores import ALL_LAYERS

MARGIN = 0.02  # of a correlation or of a standard deviation: less doesn't count
HOLDS, FAILS, UNDECIDED, ABSENT = "holds", "does not hold", "undecided", "not available"
LEAD, ANOMALY = "pearson_r", "anomaly_r"
LEARNED = ("ridge_memory", "gradient_boosting")
PROCESS, STORE = "water_balance", "modelled_water_store_1"
KINDS = {**dict.fromkeys(LEARNED, 1), PROCESS: 0}
"""Models, and whether a claim says that they lose."""
ABOVE = "state without soil_moisture_above"

WEIGHTED_TO = {QUANTILE: "dry, normal and wet days alike", EXTREME: "extremes most"}
"""What training heeds, by arm of the experiment on extremes."""
DRY, WET = (LIMITATION, WATER), (LIMITATION, ENERGY)
COUPLINGS = (
    ("In water-limited cells evaporation follows soil moisture", WITH, WATER, 1),
    (
        "Evaporation follows soil moisture more there than where energy limits",
        WITH,
        CONTRAST,
        -1,
    ),
    ("In water-limited cells soil moisture counts for more than radiation", *DRY, 1),
    ("In energy-limited cells radiation counts for more than soil moisture", *WET, -1),
)
"""Sentence, arm, regime and sign of the claims on evaporation."""


class Claim(NamedTuple):
    """A sentence and the row of an experiment that decides it.

    With `wanted` 1 the number has to lie above 0, with -1 below 0, and with 0 it has to
    be no more than the margin.
    """

    sentence: str
    experiment: str
    model: str
    arm: str
    against: str
    tested: str = "all"
    layer: int = ALL_LAYERS
    metric: str = LEAD
    wanted: int = 1


class Finding(NamedTuple):
    """A claim with its number and interval, and what follows.

    A number that has to lie below 0 has changed its sign, so that above 0 always
    speaks for a claim, unless the claim is that nothing is lost.
    """

    claim: Claim
    value: float | None
    low: float | None
    high: float | None
    series: int
    verdict: str


def list_claims() -> Iterator[Claim]:
    """Yield every claim, in the order of the published table."""
    yield from _list_contrasts()
    yield from _list_robustness()
    yield from _list_diversity()
    yield from _list_features()
    yield from _list_couplings()
    yield from _list_dependences()
    yield from _list_weightings()


def _list_contrasts() -> Iterator[Claim]:
    """Yield claims on skill itself: other cells and days, so nothing is paired."""
    for model in LEARNED:
        yield Claim(
            "Trained in each cell's own regime, a learned model has less skill on "
            "water-limited cells",
            "robustness",
            model,
            SAME,
            "",
            CONTRAST,
        )
    for model, arm in ((PROCESS, SAME), (STORE, UNTRAINED), (REANALYSIS, UNTRAINED)):
        yield Claim(
            "A process model hasn't less skill on water-limited cells",
            "robustness",
            model,
            arm,
            "",
            CONTRAST,
            wanted=0,
        )


def _list_robustness() -> Iterator[Claim]:
    """Yield claims on training in the other regime, and in both, by both metrics."""
    for metric in (LEAD, ANOMALY):
        for tested, trained in ((WATER, ENERGY), (ENERGY, WATER)):
            for model, wanted in KINDS.items():
                sentence = (
                    f"Trained on {trained} cells, a learned model loses skill on "
                    f"{tested} ones"
                    if wanted
                    else f"Trained on {trained} cells, the process model loses nothing "
                    f"on {tested} ones"
                )
                yield Claim(
                    sentence,
                    "robustness",
                    model,
                    OTHER,
                    SAME,
                    tested,
                    metric=metric,
                    wanted=wanted,
                )
            for model in LEARNED:
                yield from _list_mixtures(model, tested, metric)
        for model in LEARNED:
            yield Claim(
                "The other regime costs more on water-limited than on energy-limited "
                "cells",
                "robustness",
                model,
                OTHER,
                SAME,
                CONTRAST,
                metric=metric,
                wanted=-1,
            )
        for model, wanted in KINDS.items():
            yield Claim(
                "A learned model's loss grows with distance from the training climate"
                if wanted
                else "The process model's loss doesn't grow with that distance",
                "robustness",
                model,
                OTHER,
                SAME,
                metric=f"{metric}_by_distance",
                wanted=wanted,
            )


def _list_mixtures(model: str, tested: str, metric: str) -> Iterator[Claim]:
    yield Claim(
        f"On {tested} cells, training on both regimes is better than on the other one",
        "robustness",
        model,
        OTHER,
        BOTH,
        tested,
        metric=metric,
    )
    yield Claim(
        f"On {tested} cells, training on both regimes loses nothing against their own",
        "robustness",
        model,
        BOTH,
        SAME,
        tested,
        metric=metric,
        wanted=0,
    )


def _list_diversity() -> Iterator[Claim]:
    for model in LEARNED:
        yield Claim(
            "Eight cells of one climate teach less than eight of many",
            "diversity",
            model,
            name_arm(ONE, 8),
            name_arm(MANY, 8),
        )
        yield Claim(
            "Eight cells of many climates teach less than sixteen",
            "diversity",
            model,
            name_arm(MANY, 8),
            name_arm(MANY, 16),
        )


def _list_features() -> Iterator[Claim]:
    for model in ("ridge", "trees"):
        yield Claim(
            "Without memory skill is lost", "features", model, "forcing", "memory"
        )
        for layer in (2, 3):
            yield Claim(
                f"Without the observed upper layer skill is lost in layer {layer}",
                "features",
                model,
                ABOVE,
                "state",
                layer=layer,
            )


def _list_couplings() -> Iterator[Claim]:
    for model in ("observations", *LEARNED, PROCESS, STORE, REANALYSIS):
        for sentence, arm, tested, wanted in COUPLINGS:
            yield Claim(
                sentence,
                "coupling",
                model,
                arm,
                "",
                tested,
                metric=ANOMALY,
                wanted=wanted,
            )
    for model in (*LEARNED, PROCESS, STORE, REANALYSIS):
        yield Claim(
            "Soil moisture of a model dries faster than observed",
            "coupling",
            model,
            DRY_DOWN,
            OBSERVED,
            metric=DAYS,
        )


def _list_dependences() -> Iterator[Claim]:
    for metric, wanted in (("nse", 1), (LEAD, 0)):
        yield Claim(
            "Against targets as measured, the reanalysis has less NSE"
            if wanted
            else "Against targets as measured, the reanalysis keeps its Pearson r",
            "independence",
            REANALYSIS,
            MEASURED,
            MATCHED,
            metric=metric,
            wanted=wanted,
        )


def _list_weightings() -> Iterator[Claim]:
    """Yield claims on what weighted training gains on dry days, and its price."""
    for model in WEIGHTED:
        for arm, how in (
            (QUANTILE, "dry, normal and wet days alike"),
            (EXTREME, "extremes"),
        ):
            for gain, metric, wanted in (
                ("errs less on dry days", RMSE_DRY, 1),
                ("tells dry days better", SEDI, -1),
                ("errs more on all days", "rmse", -1),
                ("loses Pearson r", LEAD, 1),
            ):
                yield Claim(
                    f"Trained to heed {how}, a model {gain}",
                    "extremes",
                    model,
                    arm,
                    UNIFORM,
                    metric=metric,
                    wanted=wanted,
                )


def find_numbers(tables: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Return every claim with its number from the tables of experiments.

    Parameters
    ----------
    tables : by name of the experiment, DataFrame of schema EXPERIMENT
        An experiment may be missing.
    """
    return [
        _find_number(claim, tables.get(claim.experiment)) for claim in list_claims()
    ]


def _find_number(claim: Claim, table: pd.DataFrame | None) -> Finding:
    if table is None:
        return Finding(claim, None, None, None, 0, ABSENT)
    rows = table[
        (table["model"] == claim.model)
        & (table["metric"] == claim.metric)
        & (table["layer"] == claim.layer)
        & (table["tested"] == claim.tested)
        & (table["arm"] == claim.arm)
        & (table["against"] == claim.against)
    ]
    if rows.empty or rows[["value", "low", "high"]].isna().any(axis=None):
        return Finding(claim, None, None, None, 0, ABSENT)
    (row,) = rows.to_dict("records")
    value, low, high = row["value"], row["low"], row["high"]
    verdict = decide(low, high, claim.wanted)
    if claim.wanted < 0:
        value, low, high = -value, -high, -low
    return Finding(claim, value, low, high, int(row["cell_count"]), verdict)


def decide(low: float, high: float, wanted: int) -> str:
    """Return what an interval says of a loss that is wanted, or isn't.

    Examples
    --------
    >>> decide(0.01, 0.05, 1), decide(-0.03, 0.01, 1), decide(-0.01, 0.05, 1)
    ('holds', 'does not hold', 'undecided')
    >>> decide(-0.01, 0.01, 0), decide(0.01, 0.05, 0), decide(-0.01, 0.05, 0)
    ('holds', 'does not hold', 'undecided')
    """
    if wanted < 0:
        return decide(-high, -low, 1)
    is_lost, is_small = low > 0, high < MARGIN
    first, second = (is_lost, is_small) if wanted else (is_small, is_lost)
    return HOLDS if first else FAILS if second else UNDECIDED
