"""From codes or vectors to the groups of equal distance that the closed forms need.

No more than a block of the matrix of distances exists at a time. Hamming distances
are small integers, so that counting them needs no sorting. Other distances are
partitioned, and only the rows in front are sorted.
"""

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_array

from skhash.codes import check_bits
from skhash.metrics._relevance import ClassRelevance
from skhash.metrics._words import count_bits, to_words

METRICS = ("hamming", "cosine", "euclidean", "inner_product", "precomputed")

# Squared distances below this share of the squared lengths are rounding noise.
_ROUNDING = 1e-14

# A tile of Hamming distances (some 20 bytes a pair) should stay in the cache.
_TILE_QUERIES = 64
_TILE_PAIRS = 2**17
# A block of float distances takes up to about 100 bytes a pair, if all of it is sorted.
_BLOCK_QUERIES = 2048
_BLOCK_PAIRS = 2**20


@dataclass(frozen=True)
class TieGroups:
    """The rows of the index in groups of equal distance, for a block of queries.

    Attributes
    ----------
    counts : ndarray of shape (n_queries, n_groups), int64
        Rows in each group, nearest group first; empty groups may occur anywhere. The
        groups may end before the index does, but not before the depth asked for.
    gains : ndarray of shape (n_queries, n_groups), float64
        Sum of the gains in each group.
    total : ndarray of shape (n_queries,), float64
        Sum of the gains over the whole index.
    balls : dict of float to tuple of ndarray
        For each radius, how many rows lie within, and the sum of their gains.
    ideal : ndarray of shape (n_queries, depth), float64, or None
        The largest gains in descending order; None where all gains are 0 or 1.
    """

    counts: np.ndarray
    gains: np.ndarray
    total: np.ndarray
    balls: dict = field(default_factory=dict)
    ideal: np.ndarray | None = None


def check_vectors(X, X_query, metric):
    """Validate what is to be ranked.

    Parameters
    ----------
    X, X_query : array-like
        As the public functions describe them.
    metric : str
        One of `METRICS`.

    Returns
    -------
    index, query : ndarray or CSR matrix
        `query` is None for leave-one-out and for precomputed distances.
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS}; got {metric!r}.")
    if metric == "hamming":
        index = check_bits(X, name="X")
        if X_query is None:
            return index, None
        return index, check_bits(X_query, n_bits=index.shape[1], name="X_query")
    if metric == "precomputed":
        if X_query is not None:
            raise ValueError(
                "X_query must be None for metric='precomputed', where X holds the "
                "distances of shape (n_queries, n_index)."
            )
        return check_array(X, dtype=(np.float64, np.float32), input_name="X"), None
    dtypes = (np.float64, np.float32)
    index = check_array(X, accept_sparse="csr", dtype=dtypes, input_name="X")
    if X_query is None:
        return index, None
    query = check_array(
        X_query, accept_sparse="csr", dtype=dtypes, input_name="X_query"
    )
    if query.shape[1] != index.shape[1]:
        raise ValueError(
            f"X_query must have {index.shape[1]} columns as X has; got "
            f"{query.shape[1]}."
        )
    return index, query


def hamming_groups(index, query, relevance, own, radii, depth):
    """Yield blocks of queries and their groups by Hamming distance.

    Parameters
    ----------
    index, query : ndarray of shape (n_rows, n_bits), uint8
        Bits.
    relevance : ClassRelevance, SetRelevance or MatrixRelevance
        The gains.
    own : bool
        Whether query i is row i of the index, and must not find itself.
    radii : tuple of int
        Radii in bits.
    depth : int
        How many of the largest gains to give, where gains are graded.

    Yields
    ------
    rows : slice
        The queries of the block.
    groups : TieGroups
        One group a distance, 0 to n_bits.
    """
    n_cells = index.shape[1] + 1
    query, index = to_words(query), to_words(index)
    n_rows = max(1, min(_BLOCK_QUERIES, _BLOCK_PAIRS // n_cells))
    if relevance.graded and depth:
        n_rows = max(1, min(n_rows, _BLOCK_PAIRS // len(index)))
    for start in range(0, len(query), n_rows):
        rows = slice(start, min(start + n_rows, len(query)))
        counts = count_distances(query[rows], index, n_cells)
        if isinstance(relevance, ClassRelevance):
            gains = _gains_of_classes(query, index, rows, relevance, n_cells)
        else:
            gains = _gains_of_pairs(query, index, rows, relevance, n_cells)
        ideal = None
        if own:
            counts[:, 0] -= 1  # nobody is nearer to a row than itself
            gains[:, 0] -= relevance.own(rows)
        if relevance.graded and depth:
            ideal = _ideal(relevance.block(rows, slice(None)), rows, own, depth)
        within = np.cumsum(counts, axis=1), np.cumsum(gains, axis=1)
        balls = {
            radius: tuple(part[:, min(int(radius), n_cells - 1)] for part in within)
            for radius in radii
        }
        yield rows, TieGroups(counts, gains, gains.sum(axis=1), balls, ideal)


def count_distances(query, index, n_cells):
    """Count Hamming distances.

    Parameters
    ----------
    query, index : ndarray of shape (n_rows, n_words), uint64
        Codes.
    n_cells : int
        How many distances there are, one more than bits.

    Returns
    -------
    counts : ndarray of shape (n_queries, n_cells), int64
        How many rows of the index lie at each distance.
    """
    counts = np.zeros((len(query), n_cells), dtype=np.int64)
    for rows, _, cells in _tiles(query, index, n_cells):
        counts[rows] += _histogram(cells, n_cells)
    return counts


def _tiles(query, index, n_cells):
    """Yield tiles of pairs: queries, index rows, the cell to count each pair in.

    A tile has one line of cells a query, so that its distances are counted at once.
    """
    n_columns = max(1, _TILE_PAIRS // max(1, min(_TILE_QUERIES, len(query))))
    for start in range(0, len(query), _TILE_QUERIES):
        rows = slice(start, min(start + _TILE_QUERIES, len(query)))
        lines = n_cells * np.arange(rows.stop - start)[:, None]
        for begin in range(0, len(index), n_columns):
            columns = slice(begin, min(begin + n_columns, len(index)))
            cells = count_bits(np.bitwise_xor, query[rows], index[columns], lines)
            yield rows, columns, cells


def _histogram(cells, n_cells, weights=None):
    n_rows = len(cells)
    return np.bincount(cells.ravel(), weights, minlength=n_rows * n_cells).reshape(
        n_rows, n_cells
    )


def _gains_of_classes(query, index, rows, relevance, n_cells):
    """Sum the gains where relevant is what has the same class: count within classes."""
    gains = np.zeros((rows.stop - rows.start, n_cells))
    classes = relevance.query[rows]
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        found = index[relevance.rows_of(label)]
        gains[members] = count_distances(query[rows][members], found, n_cells)
    return gains


def _gains_of_pairs(query, index, rows, relevance, n_cells):
    gains = np.zeros((rows.stop - rows.start, n_cells))
    for tile, columns, cells in _tiles(query[rows], index, n_cells):
        where = slice(rows.start + tile.start, rows.start + tile.stop)
        weights = relevance.block(where, columns)
        gains[tile] += _histogram(cells, n_cells, weights.ravel())
    return gains


def float_groups(distances, n_index, n_queries, relevance, own, radii, depth):
    """Yield blocks of queries and their groups by any distance.

    Parameters
    ----------
    distances : callable
        Gives the distances of a slice of queries to all rows of the index, an array
        that may be written to.
    n_index, n_queries : int
        The number of rows.
    relevance : ClassRelevance, SetRelevance or MatrixRelevance
        The gains.
    own : bool
        Whether query i is row i of the index, and must not find itself.
    radii : tuple of float
        Radii in the unit of the distance.
    depth : int
        How many positions of the ranking are wanted; 0 if only balls are.

    Yields
    ------
    rows : slice
        The queries of the block.
    groups : TieGroups
        One group a distance that occurs.
    """
    n_rows = max(1, _BLOCK_PAIRS // n_index)
    for start in range(0, n_queries, n_rows):
        rows = slice(start, min(start + n_rows, n_queries))
        block = distances(rows)
        gains = relevance.block(rows, slice(None)).astype(np.float64)
        if own:
            places = np.arange(rows.stop - start), np.arange(start, rows.stop)
            block[places] = np.inf
            gains[places] = 0.0
        balls = {}
        for radius in radii:
            inside = block <= radius
            if own:  # even an infinite ball leaves the query itself out
                inside[places] = False
            balls[radius] = inside.sum(axis=1), np.where(inside, gains, 0).sum(axis=1)
        ideal = None
        if relevance.graded and depth:
            ideal = _largest(gains, depth)
        counts, sums = _front(block, gains, depth)
        yield rows, TieGroups(counts, sums, gains.sum(axis=1), balls, ideal)


def _front(distances, gains, depth):
    """Group the nearest `depth` rows, and all that tie with the last of them."""
    n_queries = len(distances)
    if not depth:
        return np.zeros((n_queries, 0), dtype=np.int64), np.zeros((n_queries, 0))
    nearest = np.argpartition(distances, depth - 1, axis=1)[:, :depth]
    front = np.take_along_axis(distances, nearest, axis=1)
    order = np.argsort(front, axis=1)
    front = np.take_along_axis(front, order, axis=1)
    nearest = np.take_along_axis(nearest, order, axis=1)

    group = np.zeros(front.shape, dtype=np.intp)
    group[:, 1:] = np.cumsum(front[:, 1:] != front[:, :-1], axis=1)
    last = np.arange(n_queries), group[:, -1].copy()
    group += depth * np.arange(n_queries)[:, None]
    counts = _histogram(group, depth)
    sums = _histogram(group, depth, np.take_along_axis(gains, nearest, axis=1).ravel())

    ties = distances == front[:, -1:]
    counts[last] = ties.sum(axis=1)
    sums[last] = np.where(ties, gains, 0).sum(axis=1)
    return counts, sums


def _ideal(gains, rows, own, depth):
    gains = gains.astype(np.float64)
    if own:
        gains[np.arange(len(gains)), np.arange(rows.start, rows.stop)] = 0.0
    return _largest(gains, depth)


def _largest(gains, depth):
    return -np.sort(np.partition(-gains, depth - 1, axis=1)[:, :depth], axis=1)


def distance_function(index, query, metric):
    """Return the function that gives blocks of distances.

    Parameters
    ----------
    index, query : ndarray or CSR matrix
        Rows; `query` may be the same object as `index`.
    metric : {"cosine", "euclidean", "inner_product"}
        The inner product is negated, so that small is near.

    Returns
    -------
    distances : callable
        See :func:`float_groups`.
    """
    # In double precision, so that rounding noise is far below any distance.
    same = query is index
    index = index.astype(np.float64)
    query = index if same else query.astype(np.float64)
    if metric == "cosine":
        index = normalize(index)
        query = index if same else normalize(query)
    if metric == "euclidean":
        index_norms, query_norms = _squared_norms(index), _squared_norms(query)

    def distances(rows):
        product = query[rows] @ index.T
        if sp.issparse(product):
            product = product.toarray()
        if metric == "cosine":
            # On a grid of 2**-23: rounding noise must not part equal rows.
            return (np.rint((1.0 - product) * 2**23) / 2**23).astype(np.float32)
        if metric == "inner_product":
            return (-product).astype(np.float32)
        squares = query_norms[rows, None] + index_norms
        least = _ROUNDING * squares
        squares -= 2.0 * product
        squares[squares < least] = 0.0
        return np.sqrt(squares).astype(np.float32)

    return distances


def _squared_norms(X):
    if sp.issparse(X):
        return np.asarray(X.multiply(X).sum(axis=1), dtype=np.float64).ravel()
    return np.einsum("ij,ij->i", X, X, dtype=np.float64)
