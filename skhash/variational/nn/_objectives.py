"""The objectives of the literature, as criteria that name the terms of their loss."""

import torch
from torch import nn

from skhash.variational.nn import _losses as losses


class EvidenceLowerBound(nn.Module):
    """The negative evidence lower bound of a Bernoulli autoencoder: REC + beta KL.

    Parameters
    ----------
    reconstruction : {"softmax", "gaussian"}
        The decoder's distribution.
    kl_weight : float
        beta.
    """

    TERMS: tuple[str, ...] = ("reconstruction", "kl")

    def __init__(self, reconstruction, kl_weight):
        super().__init__()
        self.reconstruction = getattr(losses, f"{reconstruction}_reconstruction")
        self.kl_weight = kl_weight

    def forward(self, network, activations, batch):
        """Return the terms of the loss of a batch by name."""
        decoder = network.decoder
        return {
            "reconstruction": self.reconstruction(
                network.signs(activations),
                decoder.weight,
                decoder.bias,
                batch.reconstruction,
            ),
            "kl": self.kl_weight * self._divergence(activations),
        }

    def _divergence(self, activations):
        return losses.bernoulli_kl(activations.logits)


class SSBVAEObjective(EvidenceLowerBound):
    """The objective of SSB-VAE, with sums and means as in its authors' code.

    ``mean(REC + beta KL) + alpha (gamma mean(POINT) + PAIR)``, arXiv:2007.08799.

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

    TERMS = ("reconstruction", "kl", "labels", "pairs")

    def __init__(
        self, reconstruction, multilabel, kl_weight, label_weight, pair_weight
    ):
        super().__init__(reconstruction, kl_weight)
        self.multilabel = multilabel
        self.label_weight = label_weight
        self.pair_weight = pair_weight

    def forward(self, network, activations, batch):
        """Return the terms of the loss of a batch by name."""
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
            * (batch.trust * point).mean(),
            "pairs": self.pair_weight * pairs,
        }

    def _pairs(self, bits, scores, batch):
        """Return PAIR by the classes that the network predicts: S = Yhat Yhat^T."""
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
    reconstruction : {"softmax", "gaussian"}
        The decoder's distribution.
    multilabel : bool
        Whether classes are independent.
    kl_weight, label_weight, pair_weight : float
        As in :class:`SSBVAEObjective`.
    mask_unlabeled : bool
        Whether pairs with an unlabeled row are left out. If not, they count as
        unlike, as in the original.
    """

    def __init__(
        self,
        reconstruction,
        multilabel,
        kl_weight,
        label_weight,
        pair_weight,
        mask_unlabeled,
    ):
        super().__init__(
            reconstruction, multilabel, kl_weight, label_weight, pair_weight
        )
        self.mask_unlabeled = mask_unlabeled

    def _pairs(self, bits, scores, batch):
        """Return PAIR by the classes that are given."""
        known = batch.trust > 0
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
        The decoder's distribution.
    multilabel : bool
        Whether classes are independent.
    kl_weight : float
        beta.
    label_weight : float
        gamma, the weight of the label head on the latent variables.
    """

    TERMS = ("reconstruction", "kl", "labels")

    def __init__(self, reconstruction, multilabel, kl_weight, label_weight):
        super().__init__(reconstruction, kl_weight)
        self.multilabel = multilabel
        self.label_weight = label_weight

    def forward(self, network, activations, batch):
        """Return the terms of the loss of a batch by name."""
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
            "labels": self.label_weight * (batch.trust * point).mean(),
        }

    def _divergence(self, activations):
        return losses.gaussian_kl(activations.logits, activations.log_variance)
