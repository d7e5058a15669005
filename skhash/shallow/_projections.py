"""Signs of linear projections: random ones, and the principal components."""

import warnings
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import DataDimensionalityWarning
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection
from sklearn.utils.extmath import safe_sparse_dot

from skhash.shallow._base import ShallowHasher
from skhash.shallow._docs import TEXTS
from skhash.utils._compat import StrOptions
from skhash.utils._docstrings import substitute
from skhash.utils._linalg import singular_directions
from skhash.utils._rounding import BoundedRows, Decision
from skhash.utils._typing import Output, Rows, Seed


@substitute(**TEXTS)
class RandomProjectionHasher(ShallowHasher):
    """Take the signs of random projections, the hash family of the cosine.

    Two samples at angle t agree in a bit with probability 1 - t / pi [1]_, so that the
    Hamming distance estimates the angle. Needs no training; quality grows slowly with
    the number of bits.

    Parameters
    ----------
    n_bits : int, default=32
        {n_bits_text}
    distribution : {"gaussian", "sparse"}, default="gaussian"
        Entries of the projection: normal, or mostly zero and otherwise +-1 with
        density 1 / sqrt(n_features) [2]_, which takes less memory and time for large
        vocabularies.
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    components_ : ndarray or CSR of shape (n_bits, n_features)
        Directions of the projection, one row per bit.
    {feature_attributes}

    Notes
    -----
    Fit costs O(n_bits * n_features), transform O(n_bits * nnz(X)).

    References
    ----------
    .. [1] M. Charikar, "Similarity estimation techniques from rounding algorithms",
       STOC 2002, section 3. doi:10.1145/509907.509965
    .. [2] P. Li, T. Hastie, K. Church, "Very sparse random projections", KDD 2006.
       doi:10.1145/1150402.1150436

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import RandomProjectionHasher
    >>> X = np.array([[1.0, 0.0], [2.0, 0.1], [-1.0, 0.0]])
    >>> RandomProjectionHasher(n_bits=4, random_state=0).fit_transform(X)
    array([[1, 1, 1, 1],
           [1, 1, 1, 1],
           [0, 0, 0, 0]], dtype=uint8)
    """

    _parameter_constraints: dict = {
        **ShallowHasher._parameter_constraints,
        "distribution": [StrOptions({"gaussian", "sparse"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_bits: int = 32,
        *,
        distribution: Literal["gaussian", "sparse"] = "gaussian",
        output: Output = "bits",
        random_state: Seed = None,
    ) -> None:
        self.n_bits = n_bits
        self.distribution = distribution
        self.output = output
        self.random_state = random_state

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        projection = (
            GaussianRandomProjection
            if self.distribution == "gaussian"
            else SparseRandomProjection
        )
        with warnings.catch_warnings():
            # More bits than features are useful here: each bit improves the estimate.
            warnings.simplefilter("ignore", DataDimensionalityWarning)
            projection = projection(self.n_bits, random_state=self.random_state).fit(X)
        self.components_ = projection.components_
        if sp.issparse(self.components_):
            # SciPy would do it in place, in transform.
            self.components_.sort_indices()

    def _decide(self, X: BoundedRows) -> Decision:
        return X.project(self.components_).above()


@substitute(**TEXTS)
class PCAHasher(ShallowHasher):
    """Take the signs of the principal components of centered samples.

    Sparse samples are projected by a truncated SVD (latent semantic indexing) instead,
    which does not densify them. The bits are then split at the mean projection, so
    that the first component, in which all samples of a TF-IDF matrix have one sign,
    does not give a constant bit.

    Parameters
    ----------
    n_bits : int, default=32
        Length of the codes, from 1 to min(n_samples, n_features).
    output : {"bits", "packed"}, default="bits"
        {output_text}
    random_state : int, RandomState instance or None, default=None
        {random_state_text}

    Attributes
    ----------
    components_ : ndarray of shape (n_bits, n_features)
        Directions in descending order of variance.
    thresholds_ : ndarray of shape (n_bits,)
        Mean projection of the training samples; a bit is set above it.
    {feature_attributes}

    Notes
    -----
    The directions maximize the variance tr(W' X' X W) / n with W' W = I (equation 1 of
    [1]_). Fit costs O(n_bits * nnz(X)) by a randomized SVD, transform
    O(n_bits * nnz(X)).

    References
    ----------
    .. [1] Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to
       learning binary codes", CVPR 2011, section 2.1 (the PCA baseline).
       doi:10.1109/CVPR.2011.5995432

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import PCAHasher
    >>> X = np.array([[0.0, 1.0], [0.1, 3.0], [5.0, 1.1], [5.1, 3.1]])
    >>> codes = PCAHasher(n_bits=2, random_state=0).fit_transform(X)
    >>> len({tuple(code) for code in codes.tolist()})
    4
    """

    _parameter_constraints: dict = {
        **ShallowHasher._parameter_constraints,
        "random_state": ["random_state"],
    }

    def __init__(
        self, n_bits: int = 32, *, output: Output = "bits", random_state: Seed = None
    ) -> None:
        self.n_bits = n_bits
        self.output = output
        self.random_state = random_state

    def _fit(self, X: Rows, y: ArrayLike | None) -> None:
        self.components_, self.thresholds_ = principal_directions(
            X, self.n_bits, random_state=self.random_state
        )

    def _decide(self, X: BoundedRows) -> Decision:
        return X.project(self.components_).above(self.thresholds_)


def project(X: Rows, components: Rows) -> NDArray:
    """Return the coordinates of samples along directions, in the precision of both.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The samples.
    components : {ndarray, CSR} of shape (n_directions, n_features)
        The directions.

    Returns
    -------
    coordinates : ndarray of shape (n_samples, n_directions)
        Their inner products.
    """
    return safe_sparse_dot(X, components.T, dense_output=True)


def principal_directions(
    X: Rows, n_directions: int, *, random_state: Seed
) -> tuple[NDArray, NDArray]:
    """Return the leading principal directions and the mean projection on them.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The samples. Sparse ones are not centered before the SVD.
    n_directions : int
        Number of directions, from 1 to min(n_samples, n_features).
    random_state : int, RandomState instance or None
        Seeds the randomized SVD.

    Returns
    -------
    components : ndarray of shape (n_directions, n_features)
        Orthonormal rows.
    means : ndarray of shape (n_directions,)
        Projection of the mean sample.

    Raises
    ------
    ValueError
        If there are more directions than samples or features.
    """
    n_samples, n_features = X.shape
    if n_directions > min(n_samples, n_features):
        raise ValueError(
            f"n_bits must be at most min(n_samples, n_features), one principal "
            f"direction per bit; got n_bits={n_directions} with n_samples={n_samples} "
            f"and n_features={n_features}."
        )
    if sp.issparse(X):
        components = singular_directions(X, n_directions, random_state=random_state)
    else:
        components = PCA(n_directions, random_state=random_state).fit(X).components_
    means = components @ np.asarray(X.mean(axis=0)).ravel()
    return components, means
