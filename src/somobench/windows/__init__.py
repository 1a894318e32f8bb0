"""Windows of days before a target, drawn from a release in bounded memory.

What belongs here: arrays of a release as networks read them (`read`, `series`), their
windows (`window_set`), which samples are drawn how often (`balances`, `draws`), and
PyTorch's view of the same (`batches`). Models don't.
"""

from somobench.windows.balances import BALANCES
from somobench.windows.batches import Batch
from somobench.windows.open import open_windows
from somobench.windows.series import Series
from somobench.windows.window_set import WindowSet

__all__ = ["BALANCES", "Batch", "Series", "WindowSet", "open_windows"]
