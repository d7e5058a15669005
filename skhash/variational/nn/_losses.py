"""The terms of the objectives, as functions of tensors.

Names in capitals are those of Ñanculef et al., "Self-supervised Bernoulli autoencoders
for semi-supervised hashing", arXiv:2007.08799.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from skhash.variational.nn._dense_ops import dense_product
from skhash.variational.nn._rows import CSRRows, SampledRows, ViewTensors

# Rows per block of probabilities over all features: the block stays in the cache
# between the product, the softmax and the gradients.
_SOFTMAX_ROWS = 128

# The loss of a standardized row under a Gaussian decoder without information. With 8
# nats, about the loss of a text, labels had too little weight: precision@100 was lower
# by 0.04 on CIFAR-10 features with all labels.
_GAUSSIAN_NATS = 2.0

_TINY = torch.finfo(torch.float32).tiny


class _SoftmaxReconstruction(torch.autograd.Function):
    """Cross-entropy of softmax(code W + b) to sparse targets, with its gradients.

    The gradient of a block is computed while its probabilities are in the cache, so
    that logits and targets of a whole batch never exist. Takes a third to a half of the
    time of log_softmax with dense targets.
    """

    @staticmethod
    def forward(ctx, codes, weight, bias, targets):
        n_rows, n_features = codes.shape[0], weight.shape[1]
        # The gradient is computed by hand: no graph is needed.
        codes, weight, bias = codes.detach(), weight.detach(), bias.detach()
        rows = targets.row_of_value()
        bounds = [*targets.offsets.tolist(), len(targets.values)]
        places = rows.remainder(_SOFTMAX_ROWS) * n_features + targets.columns
        # Rows sum to 1, or to less where one row of a mixture is empty: targets are
        # divided by that sum, and the gradient is multiplied by it.
        mass = targets.values.new_zeros(n_rows).index_add_(0, rows, targets.values)
        shares = targets.values / mass[rows].clamp_min(_TINY)
        weighted = codes * mass[:, None]
        found = torch.empty_like(targets.values)
        grad_codes = torch.empty_like(codes)
        grad_weight = torch.zeros_like(weight)
        grad_bias = torch.zeros_like(bias)
        for start in range(0, n_rows, _SOFTMAX_ROWS):
            block = slice(start, min(start + _SOFTMAX_ROWS, n_rows))
            values = slice(bounds[block.start], bounds[block.stop])
            # In place: logits, then probabilities, then probabilities less targets.
            excess = dense_product(codes[block], weight, bias)
            torch.softmax(excess, dim=1, out=excess)
            torch.take(excess, places[values], out=found[values])
            excess.view(-1).index_add_(0, places[values], shares[values], alpha=-1)
            grad_codes[block] = dense_product(excess, weight.T)
            grad_weight += dense_product(weighted[block].T, excess)
            grad_bias.addmv_(excess.T, mass[block])
        grad_codes *= mass[:, None]
        ctx.save_for_backward(grad_codes, grad_weight, grad_bias)
        ctx.n_rows = n_rows
        return -torch.dot(found.clamp_min_(_TINY).log_(), targets.values) / n_rows

    @staticmethod
    def backward(ctx, grad_loss):
        scale = grad_loss / ctx.n_rows
        return (*(grad * scale for grad in ctx.saved_tensors), None)


class _SelectedFeatures(torch.autograd.Function):
    """Select distinct columns of the weights; their gradient is copied, not added."""

    @staticmethod
    def forward(ctx, weight, features):
        ctx.save_for_backward(weight, features)
        return weight.index_select(1, features)

    @staticmethod
    def backward(ctx, grad):
        weight, features = ctx.saved_tensors
        return torch.zeros_like(weight).index_copy_(1, features, grad), None


def softmax_reconstruction(
    codes: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: CSRRows | SampledRows | Tensor,
) -> Tensor:
    """Return the negative log-likelihood of the words of each row: REC.

    ``- sum_w t_iw log softmax_w(codes_i W + b)``, in nats, averaged over the rows.

    Parameters
    ----------
    codes : Tensor of shape (n_rows, n_bits)
        The input of the decoder.
    weight : Tensor of shape (n_bits, n_features)
        The weights W of the decoder.
    bias : Tensor of shape (n_features,)
        Its bias b.
    targets : CSRRows, SampledRows or Tensor of shape (n_rows, n_features)
        Rows that sum to 1, or to 0 for an empty row, which adds nothing. Of a sample
        of the features each counts as many times in the softmax as it represents
        features; the sum over all features is then met in expectation.

    Returns
    -------
    loss : Tensor, scalar
    """
    if isinstance(targets, SampledRows):
        weight = _SelectedFeatures.apply(weight, targets.features)
        bias = bias[targets.features] + targets.log_counts
        targets = targets.rows
    if isinstance(targets, CSRRows):
        return _SoftmaxReconstruction.apply(codes, weight, bias, targets)
    log_likelihood = F.log_softmax(torch.addmm(bias, codes, weight), dim=1)
    return -(targets * log_likelihood).sum(dim=1).mean()


def gaussian_reconstruction(
    codes: Tensor, weight: Tensor, bias: Tensor, targets: Tensor
) -> Tensor:
    """Return the negative log-likelihood of rows under a Gaussian, up to a constant.

    ``2/d ||t_i - (codes_i W + b)||^2`` for d features, averaged over the rows. The
    variance is such that a code without information on a standardized row has a loss of
    2 nats for any number of features, so that the weights of other terms need no
    change.

    Parameters
    ----------
    codes : Tensor of shape (n_rows, n_bits)
        The input of the decoder.
    weight : Tensor of shape (n_bits, n_features)
        The weights W of the decoder.
    bias : Tensor of shape (n_features,)
        Its bias b.
    targets : Tensor of shape (n_rows, n_features)
        Standardized rows.

    Returns
    -------
    loss : Tensor, scalar
    """
    residual = targets - torch.addmm(bias, codes, weight)
    return _GAUSSIAN_NATS * residual.square().mean()


def view_reconstruction(
    codes: Tensor, weight: Tensor, bias: Tensor, targets: ViewTensors
) -> Tensor:
    """Return the sum of the reconstruction losses of all views: REC.

    Words are reconstructed as by :func:`softmax_reconstruction`, other views as by
    :func:`gaussian_reconstruction`. A view that a row lacks adds nothing.

    Parameters
    ----------
    codes : Tensor of shape (n_rows, n_bits)
        The input of the decoder.
    weight : Tensor of shape (n_bits, n_features)
        The weights W of the decoder.
    bias : Tensor of shape (n_features,)
        Its bias b.
    targets : ViewTensors of n_rows rows
        Words that sum to 1, and standardized features.

    Returns
    -------
    loss : Tensor, scalar
    """
    is_dense = [isinstance(part, Tensor) for part in targets.parts]
    # A dense part has a column more, which says whether a row has the view.
    widths = [width - dense for width, dense in zip(targets.widths, is_dense)]
    terms = []
    for part, dense, columns, offsets in zip(
        targets.parts, is_dense, weight.split(widths, dim=1), bias.split(widths)
    ):
        if not dense:
            terms.append(
                softmax_reconstruction(codes, columns.contiguous(), offsets, part)
            )
            continue
        residual = part[:, :-1] - torch.addmm(offsets, codes, columns)
        squares = residual.square().mean(dim=1) * (part[:, -1] > 0)
        terms.append(_GAUSSIAN_NATS * squares.mean())
    return torch.stack(terms).sum()


def bernoulli_kl(logits: Tensor) -> Tensor:
    """Return KL(Bernoulli(sigmoid(logits)) || Bernoulli(1/2)), averaged over the rows.

    ``n_bits log 2 + sum_j [p_j log p_j + (1 - p_j) log(1 - p_j)]``, in nats.

    Parameters
    ----------
    logits : Tensor of shape (n_rows, n_bits)
        Log-odds of each bit.

    Returns
    -------
    loss : Tensor, scalar
        In [0, n_bits log 2].
    """
    entropy = F.binary_cross_entropy_with_logits(
        logits, torch.sigmoid(logits), reduction="none"
    )
    return (math.log(2) - entropy).sum(dim=1).mean()


def gaussian_kl(means: Tensor, log_variances: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, 1)), averaged over the rows.

    ``1/2 sum_j [mu_j^2 + sigma_j^2 - log sigma_j^2 - 1]``, in nats.

    Parameters
    ----------
    means : Tensor of shape (n_rows, n_bits)
        Means of the latent variables.
    log_variances : Tensor of shape (n_rows, n_bits)
        Logarithms of their variances.

    Returns
    -------
    loss : Tensor, scalar
        At least 0.
    """
    spread = means.square() + log_variances.exp() - log_variances - 1
    return spread.sum(dim=1).mean() / 2


def class_cross_entropy(logits: Tensor, targets: Tensor, *, multilabel: bool) -> Tensor:
    """Return the cross-entropy of predicted classes to target distributions: POINT.

    Parameters
    ----------
    logits : Tensor of shape (n_rows, n_classes)
        Class scores.
    targets : Tensor of shape (n_rows, n_classes)
        Class distributions, or memberships if `multilabel`.
    multilabel : bool
        Whether classes are independent (sigmoid) or exclude each other (softmax).

    Returns
    -------
    losses : Tensor of shape (n_rows,)
        In nats.
    """
    if multilabel:
        return F.binary_cross_entropy_with_logits(
            logits, targets, reduction="none"
        ).sum(dim=1)
    return -(targets * F.log_softmax(logits, dim=1)).sum(dim=1)


def hinge_pairs(bits: Tensor, similarity: Tensor) -> Tensor:
    """Return the pairwise loss of the paper: PAIR, with its sum over all pairs.

    ``1/N_b sum_ij [S_ij D_ij + (1 - S_ij) max(0, N_b/3 - D_ij)]`` with the squared
    distance ``D_ij = ||b_i - b_j||^2`` and N_b the number of bits. Pairs of a row with
    itself are part of the sum, as in the authors' code.

    Parameters
    ----------
    bits : Tensor of shape (n_rows, n_bits)
        Sampled bits in [0, 1].
    similarity : Tensor of shape (n_rows, n_rows)
        Similarity of the classes of each pair of rows, in [0, 1].

    Returns
    -------
    loss : Tensor, scalar
        Grows with the square of the number of rows.
    """
    n_bits = bits.shape[1]
    squares = bits.square().sum(dim=1)
    distances = (squares[:, None] + squares - 2 * bits @ bits.T).clamp_min(0)
    apart = (n_bits / 3 - distances).clamp_min(0)
    return (similarity * distances + (1 - similarity) * apart).sum() / n_bits


def class_similarity(classes: Tensor, *, multilabel: bool) -> Tensor:
    """Return the similarity of the classes of each pair of rows: S.

    ``S = Y Y^T``, the probability that two rows have the same class. For independent
    classes the Jaccard index of the memberships, ``y_i y_j / (|y_i| + |y_j| - y_i
    y_j)``, since a product of several memberships could exceed 1.

    Parameters
    ----------
    classes : Tensor of shape (n_rows, n_classes)
        Class distributions, or memberships in [0, 1] if `multilabel`.
    multilabel : bool
        Whether classes are independent.

    Returns
    -------
    similarity : Tensor of shape (n_rows, n_rows)
        In [0, 1].
    """
    shared = classes @ classes.T
    if not multilabel:
        return shared
    sizes = classes.sum(dim=1)
    return shared / (sizes[:, None] + sizes - shared).clamp_min(1e-6)


def margin_pairs(signs: Tensor, similarity: Tensor, weights: Tensor) -> Tensor:
    """Return a pairwise loss with terms of equal weight for similar and other pairs.

    With the relative Hamming distance d of a pair: the mean of d weighted by S, plus
    the mean of ``2 max(0, 1/2 - d)`` weighted by 1 - S. By the means the loss depends
    neither on the batch size nor on the number of classes. Pairs of a row with itself
    are left out.

    Parameters
    ----------
    signs : Tensor of shape (n_rows, n_bits)
        Codes as signs, -1 or 1.
    similarity : Tensor of shape (n_rows, n_rows)
        Similarity of the classes of each pair of rows, in [0, 1]: S.
    weights : Tensor of shape (n_rows,)
        Confidence of the class of each row, in [0, 1].

    Returns
    -------
    loss : Tensor, scalar
        In [0, 2].
    """
    # With the agreement a = 1 - 2 d, the hinge 2 max(0, 1/2 - d) is max(0, a): fewer
    # passes over n x n numbers.
    agreement = ((signs / signs.shape[1]) @ signs.T).view(-1)
    pairs = weights[:, None] * weights
    pairs.fill_diagonal_(0)
    alike = similarity * pairs
    unlike = (pairs - alike).view(-1)
    alike = alike.view(-1)
    n_alike, n_unlike = alike.sum(), unlike.sum()
    together = (n_alike - torch.dot(alike, agreement)) / 2
    apart = torch.dot(unlike, F.relu(agreement))
    return together / n_alike.clamp_min(1e-6) + apart / n_unlike.clamp_min(1e-6)
