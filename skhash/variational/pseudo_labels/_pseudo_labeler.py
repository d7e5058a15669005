"""Find neighbors, clusters and pseudo-labels of samples before a network is trained."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skhash.utils._compat import Interval
from skhash.utils._documentation import DocumentedMixin
from skhash.utils._labels import PartialLabels
from skhash.utils._rows import row_blocks, sample_labeled_first
from skhash.utils._scaling import Rows, Scaler
from skhash.utils._state import VersionedStateMixin
from skhash.variational.pseudo_labels._clusters import ClusterEnsemble
from skhash.variational.pseudo_labels._graph import (
    LATENT_DIMENSIONS,
    LatentNeighbors,
    LatentSpace,
    NeighborGraph,
)
from skhash.variational.pseudo_labels._posteriors import ClassPosteriorEstimator
from skhash.variational.pseudo_labels._view_models import (
    ViewLatentSpace,
    latent_space,
)

# Latent space, neighbors, clusters and class models are learned from this many samples
# at most, so that time is linear, and memory constant, in the number of samples.
_MAX_SAMPLE = 20_000


@dataclass
class PseudoLabels:
    """The pseudo-labels, neighbors and clusters of a collection.

    Attributes
    ----------
    targets : ndarray of shape (n_samples, n_classes), float32
        Class posteriors (memberships if multi-label); smoothed labels where given.
    confidence : ndarray of shape (n_samples,), float32
        The confidence of each row of `targets`, 1 for labels.
    neighbors : ndarray of shape (n_samples, n_neighbors), int32
        The positions of near samples of each sample.
    clusters : ClusterEnsemble
        Several clusterings of the samples.
    """

    targets: NDArray[np.float32]
    confidence: NDArray[np.float32]
    neighbors: NDArray[np.int32]
    clusters: ClusterEnsemble


class PseudoLabeler(VersionedStateMixin, DocumentedMixin, BaseEstimator):
    """Estimate pseudo-labels and neighbors of samples from few labels or none.

    A part of :class:`~skhash.SSBVAEHasher`, which trains its network on the result. In
    closed form it finds near samples of each sample by cosine in a latent space of up
    to 200 dimensions, several soft clusterings, and, with one label per sample, class
    posteriors of the unlabeled samples by expectation maximization with votes of the
    neighbors. Held-out labels calibrate the posteriors; the confidence of a posterior
    is 1 minus its relative entropy.

    Parameters
    ----------
    n_neighbors : int, default=10
        Number of near samples of each sample, at least 1. More make codes smoother.
    neighbor_weight : float, default=0.5
        The weight, in [0, 1), of a random near sample in what the decoder
        reconstructs. With 0 it reconstructs the sample alone.
    cluster_weight : float, default=2.0
        The weight of the clusters in the loss, at least 0; a quarter of it beside a
        Gaussian decoder. Clusters help most without labels, and for classes that no
        sample has yet.
    label_smoothing : float, default=0.1
        The fraction of a given label, in [0, 1), that is spread over all classes.
        Protects against wrong labels.

    See Also
    --------
    skhash.SSBVAEHasher : The hasher that uses it.

    Notes
    -----
    At most 20,000 samples are used for fitting, of which up to half are labeled; the
    others get neighbors and posteriors from these.

    Examples
    --------
    >>> from skhash import SSBVAEHasher
    >>> from skhash.variational import PseudoLabeler
    >>> hasher = SSBVAEHasher(pseudo_labeler=PseudoLabeler(n_neighbors=20))
    """

    _parameter_constraints: dict = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "neighbor_weight": [Interval(Real, 0, 1, closed="left")],
        "cluster_weight": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        n_neighbors: int = 10,
        neighbor_weight: float = 0.5,
        cluster_weight: float = 2.0,
        label_smoothing: float = 0.1,
    ):
        self.n_neighbors = n_neighbors
        self.neighbor_weight = neighbor_weight
        self.cluster_weight = cluster_weight
        self.label_smoothing = label_smoothing

    def label(
        self,
        X: Rows,
        labels: PartialLabels,
        *,
        scaler: Scaler,
        classes: NDArray | None,
        random_state: np.random.RandomState,
        clusters: ClusterEnsemble | None = None,
    ) -> PseudoLabels:
        """Estimate pseudo-labels, neighbors and clusters of samples.

        Parameters
        ----------
        X : {ndarray, CSR} of shape (n_samples, n_features)
            The samples.
        labels : PartialLabels
            Their labels.
        scaler : NormScaler or GlobalStandardScaler
            Scales the samples.
        classes : ndarray of shape (n_classes,) or None
            The classes, in the order of the columns of the targets.
        random_state : RandomState
            Draws sample, starts and folds.
        clusters : ClusterEnsemble, default=None
            The clusterings of an earlier call, which are kept; found anew if None.

        Returns
        -------
        pseudo_labels : PseudoLabels
        """
        sample = sample_labeled_first(labels.labeled, _MAX_SAMPLE, random_state)
        rows = scaler.scale(X[sample])
        space = latent_space(rows, LATENT_DIMENSIONS, random_state)
        latent = space.transform(rows)
        search = LatentNeighbors(latent, min(self.n_neighbors, len(sample) - 1))
        similarities, found = search.nearest(latent, np.arange(len(sample)))
        if clusters is None:
            clusters = ClusterEnsemble(rows, latent, random_state)
        neighbors = np.empty((X.shape[0], search.n_neighbors), dtype=np.int32)
        neighbors[sample] = sample[found]
        result = PseudoLabels(
            labels.aligned(classes),
            labels.labeled.astype(np.float32),
            neighbors,
            clusters,
        )
        estimator = None
        if _has_posteriors(labels):
            graph = NeighborGraph(similarities, found)
            estimator = ClassPosteriorEstimator(rows, graph)
            result.targets[sample], result.confidence[sample] = estimator.infer(
                result.targets[sample], labels.labeled[sample], random_state
            )
        if len(sample) < X.shape[0]:
            self._extend(result, X, sample, scaler, space, search, estimator)
        self._smooth(result.targets, labels.labeled)
        return result

    def _extend(
        self,
        result: PseudoLabels,
        X: Rows,
        sample: NDArray[np.intp],
        scaler: Scaler,
        space: LatentSpace | ViewLatentSpace,
        search: LatentNeighbors,
        estimator: ClassPosteriorEstimator | None,
    ) -> None:
        """Fill in neighbors and posteriors of the samples outside of `sample`."""
        others = np.setdiff1d(np.arange(X.shape[0]), sample, assume_unique=True)
        for block in row_blocks(len(others)):
            rows = others[block]
            scaled = scaler.scale(X[rows])
            _, found = search.nearest(space.transform(scaled), np.full(len(rows), -1))
            result.neighbors[rows] = sample[found]
            if estimator is not None:
                votes = result.targets[sample][found].mean(axis=1)
                posteriors, confidence = estimator.extend(scaled, votes)
                unlabeled = result.confidence[rows] == 0
                result.targets[rows[unlabeled]] = posteriors[unlabeled]
                result.confidence[rows[unlabeled]] = confidence[unlabeled]

    def _smooth(self, targets: NDArray[np.float32], labeled: NDArray[np.bool_]) -> None:
        given = targets[labeled]
        if given.size:
            given += self.label_smoothing * (1 / given.shape[1] - given)
            targets[labeled] = given


def _has_posteriors(labels: PartialLabels) -> bool:
    """Return whether there are both labels and samples without one to infer.

    Posteriors of several independent classes per sample were worse than what the
    network predicts.
    """
    return bool(
        labels.kind in ("single", "soft")
        and labels.labeled.any()
        and not labels.labeled.all()
    )
