"""The objective that SSBVAEHasher minimizes by default."""

import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from skhash.variational.nn import _losses as losses

# The label head on the features keeps them good for the one on the bits.
_FEATURE_HEAD_SHARE = 0.5
# What bits say of the class counts once, what they nearly say counts twice: the sign of
# a logit near 0 is a coin toss on new rows, and only a large logit is safe from it.
_SOFT_BITS_WEIGHT = 2.0
# The share of their weight that clusters keep in rows of known class: what bits say of
# them serves classes that no row has yet.
_LEAST_CLUSTERS = 0.3
# What clusters count beside a decoder. For a Gaussian one a row costs a quarter of the
# nats that a text costs, and clusters with the weight that they have beside a text
# outvote classes.
_CLUSTERS_SCALE = {"softmax": 1.0, "gaussian": 0.25}


class SelfSupervisedObjective(nn.Module):
    """The default objective of :class:`SSBVAEHasher`.

    Parameters
    ----------
    reconstruction : {"softmax", "gaussian"}
        The decoder's distribution.
    multilabel : bool
        Whether classes are independent.
    label_weight : float
        The weight of the label heads against the nats of the reconstruction.
    cluster_weight : float
        The weight of the clusters; a quarter of it counts beside a Gaussian decoder.
    pair_weight : float
        The weight of the pairs.
    """

    TERMS = ("reconstruction", "clusters", "labels", "pairs")

    def __init__(
        self, reconstruction, multilabel, label_weight, cluster_weight, pair_weight
    ):
        super().__init__()
        self.reconstruction = getattr(losses, f"{reconstruction}_reconstruction")
        self.multilabel = multilabel
        self.label_weight = label_weight
        self.cluster_weight = cluster_weight * _CLUSTERS_SCALE[reconstruction]
        self.pair_weight = pair_weight

    def forward(self, network, activations, batch):
        """Return the terms of the loss of a batch by name."""
        signs = 2 * activations.bits - 1
        decoder = network.decoder
        terms = {
            "reconstruction": self.reconstruction(
                signs[: batch.n_reconstructed],
                decoder.weight,
                decoder.bias,
                batch.reconstruction,
            ),
            "clusters": self.cluster_weight * self._clusters(network, signs, batch),
        }
        if network.feature_head is None:
            zero = activations.logits.new_zeros(())
            return {**terms, "labels": zero, "pairs": zero}
        scores = network.feature_head(activations.features)
        per_row = self._labels(network, scores, signs, activations.logits, batch)
        return {
            **terms,
            "labels": self.label_weight * (batch.trust * per_row).mean(),
            "pairs": self.pair_weight * self._pairs(signs, scores.detach(), batch),
        }

    def _labels(self, network, scores, signs, logits, batch):
        """Return the cross-entropy of features, bits and soft bits to the classes.

        A code is near to one codeword or another, so that several classes of a row
        share it: they are a distribution to the code head.
        """
        shares = F.normalize(batch.targets, p=1, dim=1)
        cross_entropy = partial(
            losses.class_cross_entropy, targets=shares, multilabel=False
        )
        on_features = losses.class_cross_entropy(
            scores, batch.targets, multilabel=self.multilabel
        )
        return (
            _FEATURE_HEAD_SHARE * on_features
            + cross_entropy(network.code_head(signs))
            + _SOFT_BITS_WEIGHT * cross_entropy(network.code_head(torch.tanh(logits)))
        )

    def _clusters(self, network, signs, batch):
        """Return the cross-entropy of the bits to the clusters of each clustering.

        Clusters stand in for classes: the more is known of those of a row, the less
        they count.
        """
        weights = 1 - (1 - _LEAST_CLUSTERS) * batch.trust
        losses_ = [
            (
                weights
                * losses.class_cross_entropy(head(signs), clusters, multilabel=False)
            ).mean()
            for head, clusters in zip(
                network.cluster_heads, batch.clusters.unbind(dim=1), strict=False
            )
        ]
        return sum(losses_, signs.new_zeros(())) / max(1, len(losses_))

    def _pairs(self, signs, scores, batch):
        """Return the loss of pairs by predicted classes, or by true ones where known.

        Predictions are taken as they are: were they to learn from the pairs, the
        nearness of two codes would make their classes alike.
        """
        predicted, confidence = class_probabilities(scores, multilabel=self.multilabel)
        known = (batch.trust == 1)[:, None]
        classes = torch.where(known, batch.targets, predicted)
        return losses.margin_pairs(
            signs,
            losses.class_similarity(classes, multilabel=self.multilabel),
            torch.where(known[:, 0], batch.trust, confidence),
        )


def class_probabilities(scores, *, multilabel):
    """Return class probabilities, and how sure each row is of them, in [0, 1]."""
    if multilabel:
        predicted = torch.sigmoid(scores)
        entropy = F.binary_cross_entropy_with_logits(
            scores, predicted, reduction="none"
        )
        return predicted, 1 - entropy.mean(dim=1) / math.log(2)
    predicted = torch.softmax(scores, dim=1)
    entropy = -(predicted * F.log_softmax(scores, dim=1)).sum(dim=1)
    return predicted, 1 - entropy / math.log(scores.shape[1])
