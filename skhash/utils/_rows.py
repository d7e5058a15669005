"""Check rows, iterate over them in blocks, and draw subsets of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skhash.utils._typing import Rows

#: Rows processed at a time where a result for all rows is needed: enough to keep matrix
#: products busy, few enough that intermediate results stay small.
ROWS_PER_BLOCK = 4096


def row_blocks(n_rows: int, size: int | None = None) -> Iterator[slice]:
    """Yield slices that cover `n_rows` rows in blocks.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    size : int, default=None
        Rows per block; `ROWS_PER_BLOCK` if None.

    Yields
    ------
    block : slice
        The next rows.
    """
    # The validation of scikit-learn's gen_batches takes as long as encoding a row.
    size = ROWS_PER_BLOCK if size is None else size
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def take_block(rows: Rows, block: slice) -> Rows:
    """Return a block of rows; the rows themselves if it holds all of them."""
    # Slicing a CSR matrix of one row takes longer than to encode it.
    if block.start == 0 and block.stop == rows.shape[0]:
        return rows
    return rows[block]


def is_valid(X: Any, n_features: int) -> bool:
    """Return whether validation would return samples as they are.

    True only for matrices of the common types, whose checks take a twentieth of the
    time of :func:`sklearn.utils.validation.validate_data`: it takes 0.1 ms, as long as
    many hashers need to encode a sample.

    Parameters
    ----------
    X : object
        Anything.
    n_features : int
        The number of features that samples have.

    Returns
    -------
    valid : bool
        Whether it is a CSR matrix or a dense array of finite floating point numbers, of
        at least one sample and with that number of features.
    """
    if type(X) not in (np.ndarray, sp.csr_array, sp.csr_matrix):
        return False
    if len(X.shape) != 2 or X.shape[0] == 0 or X.shape[1] != n_features:
        return False
    values = X if type(X) is np.ndarray else X.data
    is_float = values.dtype == np.float64 or values.dtype == np.float32
    return bool(is_float and np.isfinite(values).all())


def sample_labeled_first(
    labeled: NDArray[np.bool_], n_most: int, random_state: np.random.RandomState
) -> NDArray[np.intp]:
    """Draw rows of which up to half are labeled.

    Parameters
    ----------
    labeled : ndarray of shape (n_samples,), bool
        Which rows have a label.
    n_most : int
        The number of rows to draw; all rows where there are no more.
    random_state : RandomState
        Draws the rows.

    Returns
    -------
    rows : ndarray of int
        Positions in ascending order.
    """
    n_samples = len(labeled)
    if n_samples <= n_most:
        return np.arange(n_samples)
    # Labeled rows may be very few of all rows, but are worth more than the others.
    known = random_state.permutation(np.flatnonzero(labeled))[: n_most // 2]
    others = np.ones(n_samples, dtype=bool)
    others[known] = False
    drawn = random_state.choice(
        np.flatnonzero(others), n_most - len(known), replace=False
    )
    return np.sort(np.concatenate([known, drawn]))
