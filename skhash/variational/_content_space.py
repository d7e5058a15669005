"""Find coordinates in which samples are near that are similar and of like bits."""

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import DTypeLike, NDArray
from sklearn.linear_model import Ridge
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import row_norms

from skhash.utils._interrupts import interruptible
from skhash.utils._linalg import unit_rows
from skhash.utils._rows import row_blocks
from skhash.utils._scaling import Rows
from skhash.utils._self_taught import cosine_graph, graph_bits, learn_bits
from skhash.utils._sparse import sparse_product
from skhash.variational.nn._dense_ops import by_torch

_N_COORDINATES = 96
_N_NEIGHBORS = 20
# Inverse of the regularization strength of the support vector machines of words, and
# the penalty of the ridge regression of other features, for samples of unit length.
_C, _PENALTY = 0.1, 1.0
# The fraction of values that are not 0 up to which samples are treated as words.
_MAX_DENSITY = 0.1
_EDGES_PER_BLOCK = 16_384


class ContentSpace:
    """Coordinates of samples by self-taught hashing [1]_, beside a network.

    Samples and their nearest neighbors by cosine are a graph. An edge weighs its cosine
    times a power of the cosine of the bits of the network: samples that share words by
    chance rarely share bits. The smoothest eigenvectors of the graph, split at the
    median, are balanced bits by which neighbors rarely differ. The coordinates are
    linear models of these bits, squashed by tanh.

    Parameters
    ----------
    rows : {ndarray, CSR} of shape (n_samples, n_features)
        Scaled samples, at least two.
    logits : ndarray of shape (n_samples, n_class_bits)
        The logits of the network.
    power : int
        The power, at least 0; 0 weighs edges by the samples alone.
    random_state : RandomState
        Draws starts.

    Attributes
    ----------
    weights : ndarray of shape (n_features, n_coordinates), float32
        Weights of the linear models, the smoothest eigenvector first.
    offsets : ndarray of shape (n_coordinates,), float32
        Their intercepts.

    References
    ----------
    .. [1] D. Zhang, J. Wang, D. Cai, J. Lu, "Self-taught hashing for fast similarity
       search", SIGIR 2010. doi:10.1145/1835449.1835455
    """

    def __init__(
        self,
        rows: Rows,
        logits: NDArray[np.float32],
        power: int,
        random_state: np.random.RandomState,
    ):
        rows = unit_rows(_in_one_form(rows))[0]
        graph = cosine_graph(rows, _N_NEIGHBORS)
        if power:
            graph = weighed_by_agreement(graph, np.tanh(logits), power)
        n_coordinates = min(_N_COORDINATES, rows.shape[0] - 1)
        bits = graph_bits(graph, n_coordinates, random_state=random_state)
        weights, offsets = _linear_models(rows, bits, random_state)
        self.weights = np.ascontiguousarray(weights.T, dtype=np.float32)
        self.offsets = offsets.astype(np.float32)

    def transform(self, rows: Rows, dtype: DTypeLike) -> NDArray:
        """Return the coordinates (n_rows, n_coordinates) of scaled rows, in [-1, 1]."""
        rows = rows.astype(dtype, copy=False)
        lengths = row_norms(rows)[:, None]
        if sp.issparse(rows):
            decisions = sparse_product(rows, self.weights)
        else:
            decisions = rows @ self.weights.astype(dtype, copy=False)
        decisions /= np.where(lengths > 0, lengths, 1)
        decisions += self.offsets
        return by_torch(torch.tanh, decisions)


def weighed_by_agreement(
    graph: sp.csr_array, vectors: NDArray[np.float32], power: int
) -> sp.csr_array:
    """Multiply edges by powers of the cosines of vectors, by 0 if these are negative.

    Parameters
    ----------
    graph : CSR of shape (n_samples, n_samples)
        Weights of the edges.
    vectors : ndarray of shape (n_samples, n_dimensions)
        A vector for each sample.
    power : int
        The power, at least 1.

    Returns
    -------
    graph : CSR of shape (n_samples, n_samples)
        Without edges of weight 0.
    """
    edges, vectors = graph.tocoo(), normalize(vectors)
    weights = edges.data.copy()
    for block in row_blocks(edges.nnz, _EDGES_PER_BLOCK):
        starts, ends = vectors[edges.row[block]], vectors[edges.col[block]]
        cosines = np.einsum("ij,ij->i", starts, ends)
        weights[block] *= np.maximum(cosines, 0) ** power
    weighed = sp.csr_array((weights, (edges.row, edges.col)), shape=graph.shape)
    weighed.eliminate_zeros()
    return weighed


def _in_one_form(rows: Rows) -> Rows:
    """Return rows with few values as CSR and others dense, in whatever form they are.

    Rounding would give sparse and dense samples other neighbors.
    """
    values = rows.data if sp.issparse(rows) else rows
    if np.count_nonzero(values) <= _MAX_DENSITY * np.prod(rows.shape):
        return rows if sp.issparse(rows) else sp.csr_array(rows)
    return rows.toarray() if sp.issparse(rows) else rows


def _linear_models(
    rows: Rows, bits: NDArray[np.bool_], random_state: np.random.RandomState
) -> tuple[NDArray, NDArray]:
    """Return weights (n_bits, n_features) and intercepts (n_bits,) of models of bits.

    Support vector machines, as in self-taught hashing, take hundreds of times as long
    as ridge regression if samples have hundreds of values.
    """
    if sp.issparse(rows):
        return learn_bits(rows, bits, C=_C, random_state=random_state)
    ridge = Ridge(alpha=_PENALTY, solver="cholesky")
    interruptible(ridge.fit, rows, np.where(bits, 1.0, -1.0).astype(rows.dtype))
    return np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)
