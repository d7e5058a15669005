"""HammingNeighborsTransformer: the graph of neighbors as a step of a pipeline."""

from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from skhash.neighbors._base import HammingNeighborsBase
from skhash.utils._compat import StrOptions, fit_context


class HammingNeighborsTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, HammingNeighborsBase
):
    """Transform codes into the graph of their nearest neighbors in an index.

    The API of :class:`sklearn.neighbors.KNeighborsTransformer` for codes: a step before
    estimators that take a sparse graph with ``metric="precomputed"``.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbors of each code. With ``mode="distance"`` one more is given,
        as codes of the index come out as their own neighbors.
    mode : {"distance", "connectivity"}, default="distance"
        Whether edges weigh the distance in bits, or 1.
    packed : bool, default=False
        False: `X` holds bits, one column of 0 and 1 each. True: packed codes, uint8.
    n_bits : int, default=None
        Length of the codes; see :class:`HammingNearestNeighbors`.
    algorithm : {"auto", "brute", "multi_index"}, default="auto"
        How to search; see :class:`HammingNearestNeighbors`.
    copy : bool, default=True
        False: search packed codes where they are.
    n_jobs : int, default=None
        Number of threads for a search, as in :class:`joblib.Parallel`.

    Attributes
    ----------
    n_bits_ : int
        Length of the codes.
    n_samples_fit_ : int
        Number of indexed codes.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names.

    See Also
    --------
    HammingNearestNeighbors : The search itself.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.neighbors import HammingNeighborsTransformer
    >>> codes = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 1]])
    >>> HammingNeighborsTransformer(n_neighbors=1).fit_transform(codes).toarray()
    array([[0., 2., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """

    _parameter_constraints: dict = {
        **HammingNeighborsBase._parameter_constraints,
        "mode": [StrOptions({"distance", "connectivity"})],
    }

    def __init__(
        self,
        n_neighbors=5,
        *,
        mode="distance",
        packed=False,
        n_bits=None,
        algorithm="auto",
        copy=True,
        n_jobs=None,
    ):
        self.n_neighbors = n_neighbors
        self.mode = mode
        self.packed = packed
        self.n_bits = n_bits
        self.algorithm = algorithm
        self.copy = copy
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Index codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits or n_bytes)
            Codes: bits, or packed codes with ``packed=True``.
        y : Ignored

        Returns
        -------
        self : HammingNeighborsTransformer
        """
        self._fit(X)
        self._n_features_out = self.n_samples_fit_
        return self

    def transform(self, X):
        """Return the graph of the nearest indexed codes of each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits or n_bytes)
            Query codes.

        Returns
        -------
        graph : csr_matrix of shape (n_queries, n_samples_fit), float64
            Distances of zero are stored; neighbors of a row by (distance, index).

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As :meth:`HammingNearestNeighbors.kneighbors`.
        """
        self._check_fitted()
        itself = self.mode == "distance"
        return self.kneighbors_graph(
            X, n_neighbors=self.n_neighbors + itself, mode=self.mode
        )
