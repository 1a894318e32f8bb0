"""Neural rungs: one network for all cells and layers, trained on sequences of days.

They aren't part of a release's ladder: their numbers differ between processors, and
PyTorch weighs more than all else. `train` writes a submission, which `somobench
evaluate` scores beside the release's rungs (decision 17).
"""

from somobench.neural.run import train

__all__ = ["train"]
