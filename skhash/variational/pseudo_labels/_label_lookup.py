"""Look up the labels of training samples by their features."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.extmath import row_norms

from skhash.utils._rows import row_blocks, take_block
from skhash.utils._scaling import Rows
from skhash.utils._sparse import sparse_product, with_data

# Two samples are the same if their keys, of the order of 1, agree to this many
# decimals. Rounding errors are 1e-5 times smaller; among a million labeled samples a
# different one has the key of one of them with a probability of 1e-4.
_DECIMALS = 10


class LabelLookup:
    """A table from samples to the labels they had in training.

    The key of a sample is its product with a random direction: 8 bytes instead of the
    features. Features are rounded to single precision, so that a sample is found with
    any dtype. A sample with several labels gets their average.

    Parameters
    ----------
    n_features : int
        Number of features.
    n_classes : int
        Number of classes.
    random_state : RandomState
        Draws the direction.
    any_norm : bool
        Whether samples that differ in their norm alone are the same: the key is then
        the cosine with the direction.
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        random_state: np.random.RandomState,
        *,
        any_norm: bool,
    ):
        self.direction = random_state.standard_normal(n_features)
        self.any_norm = any_norm
        self.typical_norm = 1.0
        self.keys = np.empty(0)
        self.sums = np.empty((0, n_classes), dtype=np.float32)
        self.counts = np.empty(0, dtype=np.float32)

    def update(self, rows: Rows, targets: NDArray[np.float32]) -> "LabelLookup":
        """Add the class memberships (n_rows, n_classes) of CSR or dense rows."""
        if not self.any_norm and not len(self.keys):
            squares = row_norms(rows, squared=True)
            self.typical_norm = np.sqrt(squares.mean(dtype=np.float64))
        keys = np.round(self._keys(rows), _DECIMALS)
        self.keys, position = np.unique(
            np.concatenate([self.keys, keys]), return_inverse=True
        )
        # Column i has a 1 in the row of the key of labeled sample i.
        merge = sp.csc_array(
            (np.ones(len(position), np.float32), position, range(len(position) + 1)),
            shape=(len(self.keys), len(position)),
        )
        self.sums = merge @ np.concatenate([self.sums, targets])
        ones = np.ones(len(keys), dtype=np.float32)
        self.counts = merge @ np.concatenate([self.counts, ones])
        return self

    def lookup(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the labels of rows.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_rows, n_features)
            Any samples.

        Returns
        -------
        found : ndarray of shape (n_found,), int64
            The positions of the rows that had a label in training.
        targets : ndarray of shape (n_found, n_classes), float32
            Their class memberships.
        """
        keys = self._keys(rows)
        tolerance = 10.0**-_DECIMALS
        position = np.searchsorted(self.keys, keys - tolerance)
        found = np.flatnonzero(position < len(self.keys))
        found = found[self.keys[position[found]] <= keys[found] + tolerance]
        known = position[found]
        return found, self.sums[known] / self.counts[known, None]

    def _keys(self, rows: Rows) -> NDArray[np.float64]:
        keys = np.empty(rows.shape[0])
        for block in row_blocks(rows.shape[0]):
            part = take_block(rows, block)
            # Row by row, so that the key does not depend on the other rows.
            if sp.issparse(part):
                values = part.data.astype(np.float32, copy=False).astype(np.float64)
                part = with_data(part, values)
                product = sparse_product(part, self.direction[:, None])[:, 0]
            else:
                part = part.astype(np.float32, copy=False).astype(np.float64)
                product = np.einsum("ij,j->i", part, self.direction)
            norm = row_norms(part) if self.any_norm else self.typical_norm
            keys[block] = product / np.maximum(norm, 1e-30)
        return keys
