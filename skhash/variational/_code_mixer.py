"""Mix class coordinates and content coordinates into one code."""

from functools import partial
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh

from skhash.utils._linalg import learn_rotation, ridge_weights
from skhash.utils._scaling import Rows
from skhash.variational._code_evidence import ClassEvidence, class_weights
from skhash.variational._content_space import ContentSpace
from skhash.variational.nn._dense_ops import by_torch

#: Bits of a block. The first block of a longer code is a code of this length.
BLOCK_BITS = 32
# The class weight without labels of first bits, where these are mixed, and others.
_FIRST_WEIGHT, _FURTHER_WEIGHT = 0.5, 0.15
# With labels, the class weight of further bits is the first one with which posteriors
# expect at most so many times the errors of the network, or so many more per sample.
_MAX_ERROR_RATIO, _MAX_ERROR_RISE = 1.01, 0.0005
# So many bits of the network may be replaced by mixed ones.
_REPLACED_BITS = 8
# The first bits have so many content coordinates, and principal components of all.
_FIRST_DIMENSIONS = 64
_MAX_ITER = 20
# Class posteriors of at least so many samples choose the class weight.
_MIN_CHOICE_SAMPLES = 1000
# Relative to the largest variance; what is smaller is rounding.
_MIN_VARIANCE = 1e-9


class CodeMixer:
    """Rotate class coordinates and content coordinates into the bits of a code.

    The class coordinates are the logits of the network, moved towards the codewords of
    likely classes and squashed by tanh. The content coordinates are those of
    :class:`ContentSpace`. Both have the same total variance, and are weighted by the
    square roots of the class weight and of 1 minus it: the squared distance is a
    weighted mean of those of the two parts. Both are rotated by iterative quantization
    [1]_, so that their signs lose little.

    The first 32 bits have the 64 leading principal components of the class and of the
    64 smoothest content coordinates. Further bits have all directions in proportion to
    their variance: they need not repeat the leading ones.

    With ``class_weight="auto"``, the first bits are those of the network, and the
    others are mixed: a mixture of all bits takes from the class what it gives to
    content (docs/quality.md). Where labels leave hardly any doubt of the classes, the
    last 8 bits of the network are replaced by mixed ones.

    The first 32 bits do not depend on the length of the code.

    Parameters
    ----------
    n_bits : int
        Length of the codes; with "auto", more than the bits of the network.
    class_weight : float or "auto"
        The fraction of the squared distance that is due to the class, in [0, 1), in
        mixed bits. "auto" is 0.15 for bits after the first 32. With class posteriors,
        it is the first of :func:`class_weights` with which they expect at most a
        hundredth more errors than with the bits of the network.
    mixes_first : bool, default=False
        Whether the first 32 bits are mixed too where `class_weight` is "auto", by a
        weight of 0.5. Any other class weight mixes all bits.

    Attributes
    ----------
    class_weight_ : float
        The class weight of the last bits.
    n_kept : int
        How many bits of the network begin the code.

    References
    ----------
    .. [1] Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to
       learning binary codes", CVPR 2011. doi:10.1109/CVPR.2011.5995432
    """

    # Absent from files of the first mixers, whose content space is a LatentSpace.
    n_kept = 0
    # Estimates the bits of the network by codes; None if these have them all.
    _inverse: NDArray[np.float64] | None = None

    def __init__(
        self, n_bits: int, class_weight: float | str, *, mixes_first: bool = False
    ):
        self.n_bits = n_bits
        self.class_weight = class_weight
        self.mixes_first = mixes_first

    def fit(
        self,
        rows: Rows,
        class_logits: NDArray[np.float32],
        random_state: np.random.RandomState,
        posteriors: NDArray[np.float32] | None = None,
        *,
        space: ContentSpace | None = None,
        labeled_fraction: float = 1.0,
        replaces: bool = False,
    ) -> "CodeMixer":
        """Learn the rotation, and the content coordinates unless they are given.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_samples, n_features)
            Scaled samples, in random order.
        class_logits : ndarray of shape (n_samples, n_class_bits), float32
            Their logits.
        random_state : RandomState
            Seeds the content coordinates and the rotations.
        posteriors : ndarray of shape (n_samples, n_classes), float32, default=None
            Their class posteriors. They choose a class weight of "auto" from 1,000
            samples on.
        space : ContentSpace, default=None
            The content coordinates of these samples. None learns them.
        labeled_fraction : float, default=1.0
            The fraction of the training samples that has labels.
        replaces : bool, default=False
            Whether mixed bits may replace the last 8 of the network.

        Returns
        -------
        self : CodeMixer
        """
        self.n_samples = rows.shape[0]
        keeps = self.class_weight == "auto" and not self.mixes_first
        self.n_kept = class_logits.shape[1] if keeps else 0
        self._inverse = None
        self._space = space or ContentSpace(
            rows, class_logits, self.bits_power(posteriors is not None), random_state
        )
        content = self._space.transform(rows, np.float64)
        squashed = by_torch(torch.tanh, class_logits).astype(np.float64)
        parts = [squashed, content]
        centers = [part.mean(axis=0) for part in parts]
        scales = [
            np.sqrt(np.square(part - center).sum() / len(part)) or 1.0
            for part, center in zip(parts, centers)
        ]
        both = np.hstack([(part - c) / s for part, c, s in zip(parts, centers, scales)])
        widths = [part.shape[1] for part in parts]
        class_bits = class_logits > 0
        if keeps and posteriors is not None and len(both) >= _MIN_CHOICE_SAMPLES:
            evidence = ClassEvidence(posteriors, random_state, labeled_fraction)
            blocks = self._choose_blocks(both, widths, class_bits, evidence, replaces)
        else:
            blocks = self._given_blocks(both, widths, random_state)
        if not blocks:
            return self
        # The logits of each block get a mean square of 1, as those of the network.
        for block in blocks:
            block /= np.sqrt(np.square(both @ block).mean()) or 1.0
        weights = np.hstack(blocks) / np.repeat(scales, widths)[:, None]
        self._offset = (np.hstack(parts) @ weights).mean(axis=0)
        self._class_weights, self._content_weights = np.split(weights, widths[:1])
        if self.n_kept < class_logits.shape[1]:
            mixed = np.hstack(parts) @ weights > self._offset
            codes = np.hstack([class_bits[:, : self.n_kept], mixed])
            self._inverse = ridge_weights(
                2.0 * codes - 1, np.where(class_bits, 1.0, -1.0)
            )
        return self

    def _given_blocks(
        self,
        both: NDArray[np.float64],
        widths: list[int],
        random_state: np.random.RandomState,
    ) -> list[NDArray[np.float64]]:
        """Return the weights of the bits of each block."""
        blocks = []
        for first, last in self._spans():
            self.class_weight_ = self._class_weight(first)
            blocks.append(
                _rotated(both, widths, self.class_weight_, first, last, random_state)
            )
        return blocks

    def _choose_blocks(
        self,
        both: NDArray[np.float64],
        widths: list[int],
        bits: NDArray[np.bool_],
        evidence: ClassEvidence,
        replaces: bool,
    ) -> list[NDArray[np.float64]]:
        """Choose how many bits to keep, and the class weight, by class posteriors."""
        error, blocks = evidence.error(bits), []
        most = max(_MAX_ERROR_RATIO * error, error + _MAX_ERROR_RISE)
        choose = partial(self._choose_block, both, widths, evidence, most)
        n_bits, spans = bits.shape[1], self._spans()
        if replaces:
            kept = bits[:, : n_bits - _REPLACED_BITS]
            block, codes, is_chosen = choose(kept, n_bits)
            if is_chosen:
                self.n_kept, bits, blocks = kept.shape[1], codes, [block]
        return blocks + [choose(bits, last)[0] for _, last in spans]

    def _choose_block(
        self,
        both: NDArray[np.float64],
        widths: list[int],
        evidence: ClassEvidence,
        most: float,
        kept: NDArray[np.bool_],
        last: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], bool]:
        """Return weights of bits up to `last`, codes, and whether errors are few."""
        for weight in class_weights(evidence.labeled_fraction):
            block = _rotated(
                both, widths, weight, kept.shape[1], last, evidence.random_state
            )
            codes = np.hstack([kept, both @ block > 0])
            is_chosen = evidence.error(codes) <= most
            if is_chosen:
                break
        self.class_weight_ = weight
        return block, codes, is_chosen

    def bits_power(self, has_labels: bool) -> int:
        """Return the power of the bits of the network in the graph of the content.

        With labels the first bits have the class, and further ones need less of it.
        """
        return (1 if has_labels else 2) if self.class_weight else 0

    def _class_weight(self, first_bit: int) -> float:
        if self.class_weight != "auto":
            return float(self.class_weight)
        return _FURTHER_WEIGHT if first_bit else _FIRST_WEIGHT

    def _spans(self) -> list[tuple[int, int]]:
        """Return the first and the last bit (excluded) of each block of mixed bits."""
        if self.n_kept:
            return [(self.n_kept, self.n_bits)] if self.n_bits > self.n_kept else []
        edges = sorted({0, min(BLOCK_BITS, self.n_bits), self.n_bits})
        return list(pairwise(edges))

    def mix(self, rows: Rows, class_logits: NDArray) -> NDArray:
        """Return the logits of codes.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_rows, n_features)
            Scaled samples.
        class_logits : ndarray of shape (n_rows, n_class_bits)
            Their logits.

        Returns
        -------
        logits : ndarray of shape (n_rows, n_bits)
            In the precision of `class_logits`.
        """
        content = self._space.transform(rows, class_logits.dtype)
        mixed = by_torch(torch.tanh, class_logits) @ self._class_weights
        mixed += content @ self._content_weights
        mixed -= self._offset
        mixed = mixed.astype(class_logits.dtype)
        return np.hstack([class_logits[:, : self.n_kept], mixed])

    def class_bits(self, bits: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the bits of the network (n_rows, n_class_bits) by codes, in [0, 1]."""
        kept = bits[:, : self.n_kept].astype(np.float32)
        if self._inverse is None:
            return kept
        estimates = (2.0 * bits - 1) @ self._inverse[:-1] + self._inverse[-1]
        others = np.clip((estimates[:, self.n_kept :] + 1) / 2, 0, 1)
        return np.hstack([kept, others.astype(np.float32)])


def _rotated(
    both: NDArray[np.float64],
    widths: list[int],
    class_weight: float,
    first: int,
    last: int,
    random_state: np.random.RandomState,
) -> NDArray[np.float64]:
    """Return the weights (n_coordinates, n_bits) of the bits from first to last."""
    weights = np.repeat(np.sqrt([class_weight, 1 - class_weight]), widths)
    if not first:
        weights[widths[0] + _FIRST_DIMENSIONS :] = 0
    weighted = both * weights
    variances, axes = eigh(weighted.T @ weighted)
    axes = axes[:, variances > _MIN_VARIANCE * variances[-1]][:, ::-1]
    if not first:
        axes = axes[:, :_FIRST_DIMENSIONS]
    rotation, _ = learn_rotation(
        (weighted @ axes).astype(np.float32),
        max(last - first, axes.shape[1]),
        _MAX_ITER,
        random_state=random_state,
    )
    return weights[:, None] * (axes @ rotation[:, : last - first])
