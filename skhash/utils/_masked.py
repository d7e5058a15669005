"""Raise for masked values, whose data below the mask NumPy would use."""

from typing import Any

import numpy as np


def refuse_masked(X: Any, name: str = "X") -> None:
    """Raise if an array has masked values.

    Parameters
    ----------
    X : object
        Anything; raises only for a :class:`numpy.ma.MaskedArray`.
    name : str, default="X"
        The name of the array in error messages.

    Raises
    ------
    ValueError
        If a value is masked.
    """
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        n_masked = np.count_nonzero(np.ma.getmaskarray(X))
        raise ValueError(
            f"{name} must have no masked values; got {n_masked}. Replace them, e.g. "
            "with X.filled(0)."
        )
