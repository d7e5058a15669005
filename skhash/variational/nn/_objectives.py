"""Training objectives: modules that return the terms of the loss of a batch."""

import math
from abc import ABCMeta, abstractmethod
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skhash.variational.nn import _losses as losses
from skhash.variational.nn._batches import Batch
from skhash.variational.nn._networks import Activations, BernoulliAutoencoder

# Keeps the features informative for the label head on the bits.
_FEATURE_HEAD_WEIGHT = 0.5
# The label head reads hard bits once, and soft bits with this weight: the sign of a
# logit near 0 is random on new samples, and only a large logit is safe.
_SOFT_BITS_WEIGHT = 2.0
# The weight that clusters keep where the class is known: they help classes that no
# sample has yet.
_MIN_CLUSTER_WEIGHT = 0.3
# Clusters have a smaller weight beside a Gaussian decoder: its loss of a sample is a
# quarter of the loss of a text, and at full weight clusters outvote classes.
_CLUSTER_SCALE = {"softmax": 1.0, "gaussian": 0.25, "views": 1.0}

_RECONSTRUCTIONS: dict[str, Callable[..., Tensor]] = {
    "softmax": losses.softmax_reconstruction,
    "gaussian": losses.gaussian_reconstruction,
    "views": losses.view_reconstruction,
}


class Objective(nn.Module, metaclass=ABCMeta):
    """Base class of the objectives: a loss in named terms.

    Parameters
    ----------
    reconstruction : {"softmax", "gaussian"}
        The distribution of the decoder.
    """

    #: The names of the terms, in the order of the history.
    TERMS: tuple[str, ...]

    def __init__(self, reconstruction: str):
        super().__init__()
        self.reconstruction = _RECONSTRUCTIONS[reconstruction]

    @abstractmethod
    def forward(
        self, network: BernoulliAutoencoder, activations: Activations, batch: Batch
    ) -> dict[str, Tensor]:
        """Return the weighted terms of the loss of a batch by name."""

    def _reconstruction(
        self, network: BernoulliAutoencoder, codes: Tensor, batch: Batch
    ) -> Tensor:
        decoder = network.decoder
        return self.reconstruction(
            codes[: batch.n_reconstructed],
            decoder.weight,
            decoder.bias,
            batch.reconstruction,
        )


class EvidenceLowerBound(Objective):
    """The negative evidence lower bound of a Bernoulli autoencoder: REC + beta KL.

    Parameters
    ----------
    reconstruction : {"softmax", "gaussian"}
        The distribution of the decoder.
    kl_weight : float
        beta.
    """

    TERMS: tuple[str, ...] = ("reconstruction", "kl")

    def __init__(self, reconstruction: str, kl_weight: float):
        super().__init__(reconstruction)
        self.kl_weight = kl_weight

    def forward(
        self, network: BernoulliAutoencoder, activations: Activations, batch: Batch
    ) -> dict[str, Tensor]:
        """Return the weighted terms of the loss of a batch by name."""
        signs = network.signs(activations)
        return {
            "reconstruction": self._reconstruction(network, signs, batch),
            "kl": self.kl_weight * self._divergence(activations),
        }

    def _divergence(self, activations: Activations) -> Tensor:
        return losses.bernoulli_kl(activations.logits)


class SSBVAEObjective(EvidenceLowerBound):
    """The objective of SSB-VAE, with sums and means as in the code of its authors.

    ``mean(REC + beta KL) + alpha (gamma mean(POINT) + PAIR)``, arXiv:2007.08799.

    Parameters
    ----------
    reconstruction : {"softmax", "gaussian"}
        The distribution of the decoder.
    multilabel : bool
        Whether classes are independent.
    kl_weight : float
        beta.
    label_weight : float
        gamma; the labels have the weight alpha * gamma.
    pair_weight : float
        alpha.
    """

    TERMS = ("reconstruction", "kl", "labels", "pairs")

    def __init__(
        self,
        reconstruction: str,
        multilabel: bool,
        kl_weight: float,
        label_weight: float,
        pair_weight: float,
    ):
        super().__init__(reconstruction, kl_weight)
        self.multilabel = multilabel
        self.label_weight = label_weight
        self.pair_weight = pair_weight

    def forward(
        self, network: BernoulliAutoencoder, activations: Activations, batch: Batch
    ) -> dict[str, Tensor]:
        """Return the weighted terms of the loss of a batch by name."""
        terms = super().forward(network, activations, batch)
        if network.feature_head is None:
            zero = activations.logits.new_zeros(())
            return {**terms, "labels": zero, "pairs": zero}
        scores = network.feature_head(activations.features)
        point = losses.class_cross_entropy(
            scores, batch.targets, multilabel=self.multilabel
        )
        pairs = self._pairs(activations.bits, scores, batch)
        return {
            **terms,
            "labels": self.pair_weight
            * self.label_weight
            * (batch.confidence * point).mean(),
            "pairs": self.pair_weight * pairs,
        }

    def _pairs(self, bits: Tensor, scores: Tensor, batch: Batch) -> Tensor:
        """Return PAIR by the predicted classes: S = Yhat Yhat^T."""
        predicted = (
            torch.sigmoid(scores) if self.multilabel else torch.softmax(scores, dim=1)
        )
        return losses.hinge_pairs(
            bits, losses.class_similarity(predicted, multilabel=self.multilabel)
        )


class PairwiseObjective(SSBVAEObjective):
    """The objective of PHS: pairs by given labels, ``S = Y Y^T``, arXiv:2005.10477.

    Parameters
    ----------
    reconstruction, multilabel, kl_weight, label_weight, pair_weight
        As for :class:`SSBVAEObjective`.
    mask_unlabeled : bool
        Whether pairs with an unlabeled sample are left out. If False, they count as
        dissimilar, as in the original.
    """

    def __init__(
        self,
        reconstruction: str,
        multilabel: bool,
        kl_weight: float,
        label_weight: float,
        pair_weight: float,
        mask_unlabeled: bool,
    ):
        super().__init__(
            reconstruction, multilabel, kl_weight, label_weight, pair_weight
        )
        self.mask_unlabeled = mask_unlabeled

    def _pairs(self, bits: Tensor, scores: Tensor, batch: Batch) -> Tensor:
        """Return PAIR by the given classes."""
        known = batch.confidence > 0
        if self.mask_unlabeled:
            bits, targets = bits[known], batch.targets[known]
        else:
            targets = batch.targets * known[:, None]
        return losses.hinge_pairs(
            bits, losses.class_similarity(targets, multilabel=self.multilabel)
        )


class GaussianObjective(EvidenceLowerBound):
    """The objective of VDSH-S: REC + beta KL + gamma POINT, arXiv:1708.03436.

    Parameters
    ----------
    reconstruction : {"softmax", "gaussian"}
        The distribution of the decoder.
    multilabel : bool
        Whether classes are independent.
    kl_weight : float
        beta.
    label_weight : float
        gamma, the weight of the label head on the latent variables.
    """

    TERMS = ("reconstruction", "kl", "labels")

    def __init__(
        self,
        reconstruction: str,
        multilabel: bool,
        kl_weight: float,
        label_weight: float,
    ):
        super().__init__(reconstruction, kl_weight)
        self.multilabel = multilabel
        self.label_weight = label_weight

    def forward(
        self, network: BernoulliAutoencoder, activations: Activations, batch: Batch
    ) -> dict[str, Tensor]:
        """Return the weighted terms of the loss of a batch by name."""
        terms = super().forward(network, activations, batch)
        if network.code_head is None:
            return {**terms, "labels": activations.logits.new_zeros(())}
        point = losses.class_cross_entropy(
            network.code_head(network.signs(activations)),
            batch.targets,
            multilabel=self.multilabel,
        )
        return {
            **terms,
            "labels": self.label_weight * (batch.confidence * point).mean(),
        }

    def _divergence(self, activations: Activations) -> Tensor:
        return losses.gaussian_kl(activations.logits, activations.log_variance)


class SelfSupervisedObjective(Objective):
    """The objective of :class:`~skhash.SSBVAEHasher`.

    Parameters
    ----------
    reconstruction : {"softmax", "gaussian"}
        The distribution of the decoder.
    multilabel : bool
        Whether classes are independent.
    label_weight : float
        The weight of the label heads, relative to the reconstruction in nats.
    cluster_weight : float
        The weight of the clusters; a quarter of it beside a Gaussian decoder.
    pair_weight : float
        The weight of the pairs.
    """

    TERMS = ("reconstruction", "clusters", "labels", "pairs")

    def __init__(
        self,
        reconstruction: str,
        multilabel: bool,
        label_weight: float,
        cluster_weight: float,
        pair_weight: float,
    ):
        super().__init__(reconstruction)
        self.multilabel = multilabel
        self.label_weight = label_weight
        self.cluster_weight = cluster_weight * _CLUSTER_SCALE[reconstruction]
        self.pair_weight = pair_weight

    def forward(
        self, network: BernoulliAutoencoder, activations: Activations, batch: Batch
    ) -> dict[str, Tensor]:
        """Return the weighted terms of the loss of a batch by name."""
        signs = network.signs(activations)
        terms = {
            "reconstruction": self._reconstruction(network, signs, batch),
            "clusters": self.cluster_weight * self._clusters(network, signs, batch),
        }
        if network.feature_head is None:
            zero = activations.logits.new_zeros(())
            return {**terms, "labels": zero, "pairs": zero}
        scores = network.feature_head(activations.features)
        per_row = self._labels(network, scores, signs, activations.logits, batch)
        return {
            **terms,
            "labels": self.label_weight * (batch.confidence * per_row).mean(),
            "pairs": self.pair_weight * self._pairs(signs, scores.detach(), batch),
        }

    def _labels(
        self,
        network: BernoulliAutoencoder,
        scores: Tensor,
        signs: Tensor,
        logits: Tensor,
        batch: Batch,
    ) -> Tensor:
        """Return the cross-entropy of features, bits and soft bits to the classes.

        The code head predicts a distribution: a code is near one codeword or another,
        and several classes of a sample share it.
        """
        distribution = F.normalize(batch.targets, p=1, dim=1)
        cross_entropy = partial(
            losses.class_cross_entropy, targets=distribution, multilabel=False
        )
        on_features = losses.class_cross_entropy(
            scores, batch.targets, multilabel=self.multilabel
        )
        return (
            _FEATURE_HEAD_WEIGHT * on_features
            + cross_entropy(network.code_head(signs))
            + _SOFT_BITS_WEIGHT * cross_entropy(network.code_head(torch.tanh(logits)))
        )

    def _clusters(
        self, network: BernoulliAutoencoder, signs: Tensor, batch: Batch
    ) -> Tensor:
        """Return the cross-entropy of the bits to the clusters of each clustering.

        Clusters take the place of classes: the higher the confidence of the class of a
        sample, the lower their weight.
        """
        weights = 1 - (1 - _MIN_CLUSTER_WEIGHT) * batch.confidence
        per_clustering = [
            (
                weights
                * losses.class_cross_entropy(head(signs), clusters, multilabel=False)
            ).mean()
            for head, clusters in zip(
                network.cluster_heads, batch.clusters.unbind(dim=1), strict=False
            )
        ]
        return sum(per_clustering, signs.new_zeros(())) / max(1, len(per_clustering))

    def _pairs(self, signs: Tensor, scores: Tensor, batch: Batch) -> Tensor:
        """Return the loss of pairs by labels where known, else by predicted classes.

        `scores` have no gradient: otherwise two codes that are close would make the
        predicted classes similar.
        """
        predicted, confidence = class_probabilities(scores, multilabel=self.multilabel)
        known = (batch.confidence == 1)[:, None]
        classes = torch.where(known, batch.targets, predicted)
        return losses.margin_pairs(
            signs,
            losses.class_similarity(classes, multilabel=self.multilabel),
            torch.where(known[:, 0], batch.confidence, confidence),
        )


def class_probabilities(scores: Tensor, *, multilabel: bool) -> tuple[Tensor, Tensor]:
    """Return class probabilities and the confidence of each row, in [0, 1].

    Parameters
    ----------
    scores : Tensor of shape (n_rows, n_classes)
        Class scores.
    multilabel : bool
        Whether classes are independent.

    Returns
    -------
    probabilities : Tensor of shape (n_rows, n_classes)
    confidence : Tensor of shape (n_rows,)
        1 minus the entropy relative to that of a uniform distribution.
    """
    if multilabel:
        predicted = torch.sigmoid(scores)
        entropy = F.binary_cross_entropy_with_logits(
            scores, predicted, reduction="none"
        )
        return predicted, 1 - entropy.mean(dim=1) / math.log(2)
    predicted = torch.softmax(scores, dim=1)
    entropy = -(predicted * F.log_softmax(scores, dim=1)).sum(dim=1)
    return predicted, 1 - entropy / math.log(scores.shape[1])
