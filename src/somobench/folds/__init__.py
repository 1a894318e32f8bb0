"""All folds of a release's spatial split: each cell tested once, pooled as one score.

A release publishes one fold; its definition gives the others. `view.read_folds` derives
what each of them learns from its train cells, and joins their test parts to one split;
`rungs` trains the ladder for each, `audit` looks for leakage in each.
"""

from somobench.folds.names import FOLD, POOLED, SPATIAL, check_split, list_scored

__all__ = ["FOLD", "POOLED", "SPATIAL", "check_split", "list_scored"]
