"""Iterate over rows in blocks, and draw subsets of them."""

from collections.abc import Iterator

import numpy as np
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
