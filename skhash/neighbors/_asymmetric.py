"""Search binary codes for real-valued queries: asymmetric search."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array

from skhash.neighbors._mixins import TEXTS, KNeighborsMixin
from skhash.utils._docstrings import substitute

#: Largest magnitude of a weight for the numbers of bits that a value is quantized to.
MOST_WEIGHTS = {4: 7, 8: 127}
#: Largest sum of magnitudes of a query (MOST_WEIGHTED_SUM in ``kernel_weighted.h``).
MOST_SUM = 65534


class AsymmetricKNeighborsMixin(KNeighborsMixin):
    """Search for the codes with the largest inner products."""

    @substitute(**TEXTS)
    def asymmetric_kneighbors(
        self,
        X: ArrayLike,
        n_neighbors: int | None = None,
        return_score: bool = True,
        *,
        query_bits: int = 4,
        mask: ArrayLike | None = None,
        indices: ArrayLike | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]] | NDArray[np.intp]:
        """Find the codes with the largest inner products with real-valued queries.

        Codes count as vectors of +1 and -1, and the values of a query are quantized to
        integers times a scale. The search is exact for these.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits)
            Real-valued queries, one value per bit, such as what `decision_function` of
            a hasher returns.
        n_neighbors : int, default=None
            Number of neighbors; that of the constructor if None.
        return_score : bool, default=True
            Whether to return the scores too.
        query_bits : {4, 8}, default=4
            Bits that a value of a query is quantized to: integers from -7 to 7, or from
            -127 to 127, which takes twice as long. Of more than 1000 bits, 8 bits are
            scaled down where the magnitudes would sum to more than 65,534.
        {subset}

        Returns
        -------
        scores : ndarray of shape (n_queries, n_neighbors), float64
            Inner products of the quantized query with the codes, descending. Only if
            `return_score`.
        neighbors : ndarray of shape (n_queries, n_neighbors), intp
            Indices of the codes; at equal score in ascending order.

        Raises
        ------
        NotFittedError
            If there is no index yet.
        TypeError
            If `n_neighbors` is not an int.
        ValueError
            If `X` has not one finite value per bit, `query_bits` is not 4 or 8,
            `n_neighbors` is not from 1 to the number of codes that may be found, or
            `mask` or `indices` do not fit the index.

        Examples
        --------
        >>> import numpy as np
        >>> from skhash.neighbors import HammingNearestNeighbors
        >>> index = HammingNearestNeighbors().fit([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> scores, neighbors = index.asymmetric_kneighbors([[-1.0, 7.0]], 2)
        >>> scores, neighbors
        (array([[8., 6.]]), array([[1, 3]]))
        """
        snapshot = self._snapshot()
        subset = snapshot._check_subset(mask, indices)
        n_bits = snapshot.n_bits_
        values = check_array(X, dtype=np.float64, ensure_min_samples=0)
        if values.shape[1] != n_bits:
            raise ValueError(
                f"X must have one value per bit, {n_bits} columns; got "
                f"{values.shape[1]}."
            )
        n_candidates = snapshot.n_samples_fit_
        if subset is not None:
            n_candidates = int(subset.sum())
        k = snapshot._check_n_neighbors(n_neighbors, n_candidates, False)
        weights, scales = quantize(values, query_bits)
        distances, found = snapshot._index.nearest(
            weights.view(np.uint8),
            k,
            mask=subset,
            n_threads=snapshot._n_threads(),
            weighted=True,
        )
        if not return_score:
            return found
        totals = np.abs(weights).sum(axis=1, dtype=np.int64)
        return (totals[:, None] - 2 * distances) * scales[:, None], found


def quantize(
    values: NDArray[np.float64], query_bits: int
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Quantize each query to integers.

    Parameters
    ----------
    values : ndarray of shape (n_queries, n_bits), float64
        Finite values.
    query_bits : {4, 8}
        Bits per integer.

    Returns
    -------
    weights : ndarray of shape (n_queries, 8 * ceil(n_bits / 8)), int8
        Zeros for padding bits.
    scales : ndarray of shape (n_queries,), float64
        What a weight of 1 stands for.

    Raises
    ------
    ValueError
        If `query_bits` is another number.
    """
    if query_bits not in MOST_WEIGHTS:
        raise ValueError(f"query_bits must be 4 or 8; got {query_bits!r}.")
    n_queries, n_bits = values.shape
    weights = np.zeros((n_queries, -(-n_bits // 8) * 8), dtype=np.int8)
    largest = np.abs(values).max(axis=1, initial=0)
    largest[largest == 0] = 1
    relative = values / largest[:, None]
    sums = np.abs(relative).sum(axis=1)
    units = np.maximum(1 / MOST_WEIGHTS[query_bits], sums / MOST_SUM)
    rounded = np.rint(relative / units[:, None])
    too_large = np.abs(rounded).sum(axis=1) > MOST_SUM
    if too_large.any():  # by rounding, which adds up to a half per bit
        units[too_large] = sums[too_large] / (MOST_SUM - n_bits / 2)
        rounded = np.rint(relative / units[:, None])
    weights[:, :n_bits] = rounded
    return weights, largest * units
