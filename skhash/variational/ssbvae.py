"""The self-supervised Bernoulli autoencoder."""

import math
from functools import partial
from numbers import Integral, Real

import torch
from sklearn.utils import ClassifierTags
from sklearn.utils._param_validation import Interval
from torch import nn
from torch.nn import functional as F

from skhash.variational import losses
from skhash.variational._base import VariationalHasher
from skhash.variational.batches import TrainingRows
from skhash.variational.teacher import Teacher

# The label head on the features keeps them good for the one on the bits.
_FEATURE_HEAD_SHARE = 0.5
# What bits say of the class counts once, what they nearly say counts twice: the sign of
# a logit near 0 is a coin toss on new rows, and only a large logit is safe from it.
_SOFT_BITS_WEIGHT = 2.0


class PaperObjective(nn.Module):
    """The objective of the paper, with sums and means as in the authors' code.

    ``mean(REC + beta KL) + alpha (gamma mean(POINT) + PAIR)``, arXiv:2007.08799,
    equations 4, 7 and 11.

    Parameters
    ----------
    reconstruction : {"softmax", "gaussian"}
        The decoder's distribution.
    multilabel : bool
        Whether classes are independent.
    kl_weight : float
        beta.
    label_weight : float
        gamma; the labels weigh alpha * gamma.
    pair_weight : float
        alpha.
    """

    def __init__(
        self, reconstruction, multilabel, kl_weight, label_weight, pair_weight
    ):
        super().__init__()
        self.reconstruction = getattr(losses, f"{reconstruction}_reconstruction")
        self.multilabel = multilabel
        self.kl_weight = kl_weight
        self.label_weight = label_weight
        self.pair_weight = pair_weight

    def forward(self, network, activations, batch):
        """Return the terms of the loss of a batch by name."""
        signs = 2 * activations.bits - 1
        decoder = network.decoder
        terms = {
            "reconstruction": self.reconstruction(
                signs, decoder.weight, decoder.bias, batch.reconstruction
            ),
            "kl": self.kl_weight * losses.bernoulli_kl(activations.logits),
        }
        zero = activations.logits.new_zeros(())
        if network.feature_head is None:
            return {**terms, "labels": zero, "pairs": zero}
        scores = network.feature_head(activations.features)
        point = losses.class_cross_entropy(
            scores, batch.targets, multilabel=self.multilabel
        )
        predicted = (
            torch.sigmoid(scores) if self.multilabel else torch.softmax(scores, dim=1)
        )
        similarity = losses.class_similarity(predicted, multilabel=self.multilabel)
        return {
            **terms,
            "labels": self.pair_weight
            * self.label_weight
            * (batch.trust * point).mean(),
            "pairs": self.pair_weight
            * losses.hinge_pairs(activations.bits, similarity),
        }


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
        The weight of the clusters.
    pair_weight : float
        The weight of the pairs.
    """

    def __init__(
        self, reconstruction, multilabel, label_weight, cluster_weight, pair_weight
    ):
        super().__init__()
        self.reconstruction = getattr(losses, f"{reconstruction}_reconstruction")
        self.multilabel = multilabel
        self.label_weight = label_weight
        self.cluster_weight = cluster_weight
        self.pair_weight = pair_weight

    def forward(self, network, activations, batch):
        """Return the terms of the loss of a batch by name."""
        signs = 2 * activations.bits - 1
        decoder = network.decoder
        terms = {
            "reconstruction": self.reconstruction(
                signs, decoder.weight, decoder.bias, batch.reconstruction
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

        Clusters stand in for classes: rows with a label do without them.
        """
        unlabelled = batch.trust < 1
        losses_ = [
            (
                unlabelled
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


class SSBVAEHasher(VariationalHasher):
    """Self-supervised Bernoulli autoencoder."""

    _TERMS = ("reconstruction", "clusters", "labels", "pairs")
    _TRAINING_STATE = ("_net", "_clusterings")

    _parameter_constraints: dict = {
        **VariationalHasher._parameter_constraints,
        "label_weight": [Interval(Real, 0, None, closed="left")],
        "cluster_weight": [Interval(Real, 0, None, closed="left")],
        "pair_weight": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "neighbor_share": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        n_bits=32,
        *,
        label_weight=5.0,
        cluster_weight=2.0,
        pair_weight=5.0,
        label_smoothing=0.1,
        n_neighbors=10,
        neighbor_share=0.5,
        reconstruction="auto",
        hidden_layer_sizes=(500, 500),
        dropout=0.5,
        feature_dropout=0.2,
        max_epochs=10,
        batch_size=512,
        learning_rate=4e-3,
        warm_start=False,
        callbacks=None,
        device="auto",
        output="bits",
        verbose=0,
        random_state=None,
    ):
        self.n_bits = n_bits
        self.label_weight = label_weight
        self.cluster_weight = cluster_weight
        self.pair_weight = pair_weight
        self.label_smoothing = label_smoothing
        self.n_neighbors = n_neighbors
        self.neighbor_share = neighbor_share
        self.reconstruction = reconstruction
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.feature_dropout = feature_dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.device = device
        self.output = output
        self.verbose = verbose
        self.random_state = random_state

    def _objective(self):
        return SelfSupervisedObjective, {
            "reconstruction": self.reconstruction_,
            "multilabel": self.multilabel_,
            "label_weight": self.label_weight,
            "cluster_weight": self.cluster_weight,
            "pair_weight": self.pair_weight,
        }

    def _training_rows(self, X, labels, random_state):
        teacher = Teacher(
            X,
            self.scaling_,
            labels.aligned(self.classes_),
            labels.labelled,
            n_neighbors=self.n_neighbors,
            multilabel=self.multilabel_,
            clusterings=getattr(self, "_clusterings", None),
            random_state=random_state,
        )
        # The heads of the clusters stay with the clusters that they were made for.
        self._clusterings = teacher.clusterings
        given = teacher.beliefs[labels.labelled]
        if given.size:
            given += self.label_smoothing * (1 / given.shape[1] - given)
            teacher.beliefs[labels.labelled] = given
        return TrainingRows(
            X,
            self.scaling_,
            teacher.beliefs,
            teacher.trust,
            neighbors=teacher.neighbors,
            neighbor_share=self.neighbor_share,
            clusterings=teacher.clusterings,
            random_state=random_state,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags = ClassifierTags()
        return tags
