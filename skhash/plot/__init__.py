"""Plot retrieval by codes, their bits, and the training of hashers, with matplotlib.

The classes follow the displays of scikit-learn: `from_estimator` and `from_predictions`
compute what is shown and plot it, and `plot` draws it again.
"""

from skhash.plot._bits import BitBalanceDisplay, DistanceDisplay
from skhash.plot._code_map import CodeMapDisplay
from skhash.plot._loss import LossDisplay
from skhash.plot._retrieval import PrecisionAtKDisplay, RadiusDisplay

__all__ = [
    "BitBalanceDisplay",
    "CodeMapDisplay",
    "DistanceDisplay",
    "LossDisplay",
    "PrecisionAtKDisplay",
    "RadiusDisplay",
]
