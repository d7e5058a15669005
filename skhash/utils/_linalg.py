"""The leading singular directions of rows."""

from sklearn.utils.extmath import randomized_svd, svd_flip


def singular_directions(X, n_directions, *, random_state, n_iter=5):
    """Return the leading right singular vectors of rows that are not centered.

    What ``TruncatedSVD`` learns, without its pass over the rows for variances, and
    also from a single feature or from rows that are all the same.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The rows.
    n_directions : int
        How many directions are wanted; fewer come back where `X` has fewer rows or
        columns.
    random_state : int, RandomState instance or None
        Seeds the randomized SVD.
    n_iter : int, default=5
        The number of power iterations.

    Returns
    -------
    directions : ndarray of shape (n_directions, n_features)
        Orthonormal rows.
    """
    left, _, right = randomized_svd(
        X,
        n_components=min(n_directions, *X.shape),
        n_iter=n_iter,
        flip_sign=False,
        random_state=random_state,
    )
    return svd_flip(left, right, u_based_decision=False)[1]
