"""Evaluate codes on training samples: by similarity, or by class posteriors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skhash.utils._rows import row_blocks

# The similarity of so many samples that are found first is compared.
_N_FOUND = 100
_QUERIES_PER_BLOCK = 256
_CLASS_WEIGHTS = (0.15, 0.3, 0.45, 0.6)
_ROUNDING = 1e-6
# By class posteriors, so many queries are evaluated at most.
_MAX_QUERIES = 1000


def found_similarity(
    database: NDArray[np.bool_],
    n_queries: int,
    vectors: NDArray[np.floating],
    random_state: np.random.RandomState,
) -> NDArray[np.float64]:
    """Return how similar the samples are that codes find first.

    Parameters
    ----------
    database : ndarray of shape (n_samples, n_bits), bool
        The codes to search.
    n_queries : int
        How many of them, the first ones, are queries.
    vectors : ndarray of shape (n_samples, n_dimensions)
        Vectors of the samples.
    random_state : RandomState
        Breaks ties.

    Returns
    -------
    similarities : ndarray of shape (n_queries,)
        The mean inner product with the 100 samples that are found first, the sample
        itself excluded.
    """
    signs = np.where(database, np.float32(1), np.float32(-1))
    n_found = min(_N_FOUND, len(signs) - 1)
    found = []
    for block in row_blocks(min(n_queries, len(signs)), _QUERIES_PER_BLOCK):
        # Products are integers of one parity: less than 1 orders equal distances only.
        order = -(signs[block] @ signs.T)
        order += random_state.random_sample(order.shape).astype(np.float32)
        positions = np.arange(block.start, block.start + len(order))
        order[np.arange(len(order)), positions] = np.inf
        nearest = np.argpartition(order, n_found - 1, axis=1)[:, :n_found]
        products = vectors[block] @ vectors.T
        found.append(np.take_along_axis(products, nearest, axis=1).mean(axis=1))
    return np.concatenate(found)


def class_weights(labeled_fraction: float) -> list[float]:
    """Return the weights of the class in further bits to choose from, in order.

    Posteriors that were learned from few labels agree with the network, which was
    trained by them, more than with the classes: they would give the class too much
    weight. The largest weight is 0.3 for 1 % of the labels, 0.45 for 10 % and 0.6 for
    all, and the smallest one half of it (docs/quality.md).

    Parameters
    ----------
    labeled_fraction : float
        The fraction of the training samples that has labels, in [0, 1].

    Returns
    -------
    weights : list of float
    """
    largest = 0.3 + 0.15 * np.log10(100 * max(labeled_fraction, 0.01))
    bounds = largest / 2 - _ROUNDING, largest + _ROUNDING
    return [weight for weight in _CLASS_WEIGHTS if bounds[0] <= weight <= bounds[1]]


@dataclass(frozen=True)
class ClassEvidence:
    """Evaluate codes of training samples by their class posteriors.

    Parameters
    ----------
    posteriors : ndarray of shape (n_samples, n_classes), float32
        The class posteriors of the samples, in random order.
    random_state : RandomState
        Breaks ties.
    labeled_fraction : float, default=1.0
        The fraction of the training samples that has labels.
    """

    posteriors: NDArray[np.float32]
    random_state: np.random.RandomState
    labeled_fraction: float = 1.0

    def error(self, codes: NDArray[np.bool_]) -> float:
        """Return the expected fraction of other classes among what codes find.

        Parameters
        ----------
        codes : ndarray of shape (n_samples, n_bits), bool
            The codes of the samples. Of these, 1,000 are queries.

        Returns
        -------
        error : float
            The mean probability that a query and one of the 100 samples that it finds
            first differ in class.
        """
        same = found_similarity(codes, _MAX_QUERIES, self.posteriors, self.random_state)
        return 1 - float(same.mean())
