"""The labels that rows were given, found again by the rows themselves."""

import numpy as np
import scipy.sparse as sp
from sklearn.utils import gen_batches
from sklearn.utils.extmath import row_norms

from skhash.variational.nn._batches import ROWS_PER_BLOCK

# Two rows are taken for one if their keys, of the order of 1, agree to so many
# decimals: rounding errors are a hundred thousandth of that, and among a million
# labeled rows another one is mistaken for one of them once in ten thousand times.
_DECIMALS = 10


class LabelLookup:
    """What labels were given to which rows.

    A row is known by its key, its product with a random direction: 8 bytes instead of
    the row. Numbers are compared in single precision, so that a row is recalled
    whatever its dtype. A row that was given several labels has their average.

    Parameters
    ----------
    n_features : int
        The length of a row.
    n_classes : int
        The number of classes.
    random_state : RandomState
        Draws the direction.
    any_length : bool
        Whether rows that differ in their length alone are taken for one: their key is
        the cosine with the direction.
    """

    def __init__(self, n_features, n_classes, random_state, *, any_length):
        self.direction = random_state.standard_normal(n_features)
        self.any_length = any_length
        self.length = 1.0  # of a typical row
        self.keys = np.empty(0)
        self.sums = np.empty((0, n_classes), dtype=np.float32)
        self.counts = np.empty(0, dtype=np.float32)

    def learn(self, rows, targets):
        """Remember class memberships (n_rows, n_classes) of CSR or dense rows."""
        if not self.any_length and not len(self.keys):
            self.length = np.sqrt(row_norms(rows, squared=True).mean(dtype=np.float64))
        keys = np.round(self._keys(rows), _DECIMALS)
        self.keys, position = np.unique(
            np.concatenate([self.keys, keys]), return_inverse=True
        )
        # Each labeled row lies in the column of its key.
        merge = sp.csc_array(
            (np.ones(len(position), np.float32), position, range(len(position) + 1)),
            shape=(len(self.keys), len(position)),
        )
        self.sums = merge @ np.concatenate([self.sums, targets])
        ones = np.ones(len(keys), dtype=np.float32)
        self.counts = merge @ np.concatenate([self.counts, ones])
        return self

    def recall(self, rows):
        """Return which rows were given a label, and what.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_rows, n_features)
            Any rows.

        Returns
        -------
        known : ndarray of shape (n_known,), int64
            The positions of those that are remembered.
        targets : ndarray of shape (n_known, n_classes), float32
            Their class memberships.
        """
        keys = self._keys(rows)
        tolerance = 10.0**-_DECIMALS
        position = np.searchsorted(self.keys, keys - tolerance)
        known = np.flatnonzero(position < len(self.keys))
        known = known[self.keys[position[known]] <= keys[known] + tolerance]
        found = position[known]
        return known, self.sums[found] / self.counts[found, None]

    def _keys(self, rows):
        keys = np.empty(rows.shape[0])
        for block in gen_batches(rows.shape[0], ROWS_PER_BLOCK):
            part = rows[block].astype(np.float32).astype(np.float64)
            # Row by row, so that a row has the same key alone and among others.
            product = (
                part @ self.direction
                if sp.issparse(part)
                else np.einsum("ij,j->i", part, self.direction)
            )
            length = row_norms(part) if self.any_length else self.length
            keys[block] = product / np.maximum(length, 1e-30)
        return keys
