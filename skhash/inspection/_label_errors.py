"""Find labels that the labels of the nearest codes contradict."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_scalar

from skhash.duplicates._pairs import check_codes
from skhash.inspection._features import check_one_class
from skhash.neighbors import HammingNearestNeighbors
from skhash.utils._rows import row_blocks

# The weight of a neighbor falls by a factor of e per this fraction of the bits beyond
# the nearest one, and each class gets this fraction of the votes beforehand.
_DECAY = 0.05
_PRIOR = 1e-3


@dataclass(frozen=True)
class LabelErrors:
    """Samples whose label may be wrong, the most suspicious first.

    Attributes
    ----------
    indices : ndarray of shape (n_suspects,), intp
        The samples.
    suggested : ndarray of shape (n_suspects,)
        The class that their neighbors suggest.
    scores : ndarray of shape (n_suspects,), float64
        By how much the log-odds of the suggested class against the given one exceed
        those of an average sample with the given label; above 0, in descending order.

    See Also
    --------
    label_errors : Computes it.
    """

    indices: NDArray[np.intp]
    suggested: NDArray[Any]
    scores: NDArray[np.float64]


def label_errors(
    codes: ArrayLike,
    y: ArrayLike,
    *,
    n_neighbors: int = 100,
    packed: bool = False,
    n_bits: int | None = None,
    n_jobs: int | None = None,
) -> LabelErrors:
    """Find samples whose label the labels of the nearest codes contradict.

    The votes of the nearest labeled samples, weighted by distance, are compared with
    the votes for an average sample of the same label: classes that are often confused
    raise less suspicion than classes that are not.

    Use codes that were learned without the labels to check, of 128 bits or more, for
    example of :class:`~skhash.ITQHasher`: codes that learned a wrong label put the
    sample among those of the wrong class.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_bits or n_bytes)
        Codes of the samples.
    y : array-like of shape (n_samples,)
        Labels, one class per sample, -1 for unlabeled samples, which are left out.
    n_neighbors : int, default=100
        Number of neighbors that vote; all others if there are fewer.
    packed : bool, default=False
        Whether codes are packed.
    n_bits : int, default=None
        Length of the codes. If None, the number of columns, or eight times that for
        packed codes.
    n_jobs : int, default=None
        Number of threads, as in :class:`joblib.Parallel`.

    Returns
    -------
    errors : LabelErrors
        The suspicious samples, the most suspicious first; equally suspicious ones by
        index.

    Raises
    ------
    TypeError
        If `n_neighbors` is not an int.
    ValueError
        If `n_neighbors` is below 1, there are fewer than two classes, a sample has
        several, or the codes are not binary.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.inspection import label_errors
    >>> codes = np.repeat([[0, 0, 0, 0], [1, 1, 1, 1]], 20, axis=0)
    >>> y = np.repeat([0, 1], 20)
    >>> y[3] = 1
    >>> label_errors(codes, y).indices
    array([3])
    """
    check_scalar(n_neighbors, "n_neighbors", Integral, min_val=1)
    rows, n_bits = check_codes(codes, packed=packed, n_bits=n_bits, name="codes")
    class_of_sample, classes = check_one_class(y, len(rows))
    if len(classes) < 2:
        raise ValueError(
            f"y must have labels of at least two classes; got {classes.tolist()}."
        )
    labeled = np.flatnonzero(class_of_sample >= 0)
    given = class_of_sample[labeled]
    n_neighbors = min(int(n_neighbors), len(labeled) - 1)
    index = HammingNearestNeighbors(packed=True, n_bits=n_bits, n_jobs=n_jobs)
    index.fit(rows[labeled])
    votes = _votes(index, rows[labeled], given, n_neighbors, len(classes))
    best, scores = _contradictions(votes, given)
    suspects = np.flatnonzero(scores > 0)
    suspects = suspects[np.argsort(-scores[suspects], kind="stable")]
    return LabelErrors(labeled[suspects], classes[best[suspects]], scores[suspects])


def _votes(
    index: HammingNearestNeighbors,
    codes: NDArray[np.uint8],
    given: NDArray[np.int64],
    n_neighbors: int,
    n_classes: int,
) -> NDArray[np.float64]:
    """Return the weighted fractions (n_samples, n_classes) of votes by neighbors."""
    votes = np.zeros((len(given), n_classes))
    scale = max(1.0, _DECAY * index.n_bits_)
    for block in row_blocks(len(given)):
        rows = np.arange(block.start, block.stop)[:, None]
        distances, found = index.kneighbors(codes[block], n_neighbors + 1)
        others = found != rows
        # Where many codes are equal, a sample may not be among its nearest.
        others[others.all(axis=1), -1] = False
        shape = len(rows), n_neighbors
        distances, found = (
            distances[others].reshape(shape),
            found[others].reshape(shape),
        )
        weights = np.exp((distances[:, :1] - distances) / scale)
        np.add.at(votes, (rows, given[found]), weights)
    return votes / votes.sum(axis=1, keepdims=True)


def _contradictions(
    votes: NDArray[np.float64], given: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the class with the most votes against each label, and its score.

    The score is above 0 only if that class also has more votes than the given one.
    """
    samples = np.arange(len(given))
    n_classes = votes.shape[1]
    logs = np.log(votes + _PRIOR)
    means = [votes[given == c].mean(axis=0) for c in range(n_classes)]
    mean_logs = np.log(np.array(means) + _PRIOR)
    odds = logs - logs[samples, given, None]
    excess = odds - (mean_logs - np.diag(mean_logs)[:, None])[given]
    excess[odds <= 0] = -np.inf
    best = excess.argmax(axis=1)
    return best, excess[samples, best]
