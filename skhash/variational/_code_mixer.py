"""Mix class coordinates and content coordinates into one code."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.preprocessing import normalize

from skhash.utils._linalg import learn_rotation, ridge_weights, unit_rows
from skhash.utils._rows import row_blocks
from skhash.utils._scaling import Rows
from skhash.utils._sparse import sparse_product, with_data
from skhash.variational._code_evidence import (
    ClassEvidence,
    class_weights,
    found_similarity,
    split_halves,
)
from skhash.variational.nn._dense_ops import by_torch
from skhash.variational.pseudo_labels._graph import LatentSpace

#: Bits of a block. The first block of a longer code is a code of this length.
BLOCK_BITS = 32
# The class weight without labels of first bits, where these are mixed, and others.
_FIRST_WEIGHT, _FURTHER_WEIGHT = 0.7, 0.5
# With labels, the class weight of further bits is the first one with which posteriors
# expect at most so many times the errors of the network, or so many more per sample.
_MAX_ERROR_RATIO, _MAX_ERROR_RISE = 1.01, 0.0005
# So many bits of the network may be replaced by mixed ones.
_REPLACED_BITS = 8
_CONTENT_DIMENSIONS = 128
# The first bits are rotated out of so many principal components per bit.
_COMPONENTS_PER_BIT = 1.5
_MAX_ITER = 20
# What is mixed is chosen by at least so many samples, of which some are queries.
_MIN_CHOICE_SAMPLES, _MAX_CHOICE_SAMPLES = 1000, 6000
_MAX_CHOICE_QUERIES = 2000
# The rotation and its inverse are learned from this many samples at most.
_MAX_SAMPLES = 10_000
_ROWS_PER_BLOCK = 2048
# Relative to the largest variance; what is smaller is rounding.
_MIN_VARIANCE = 1e-9

ClassOutputs = Callable[[Rows], tuple[NDArray, NDArray | None]]


class CodeMixer:
    """Rotate class coordinates and content coordinates into the bits of a code.

    The class coordinates are the logits of the network, moved towards the codewords of
    likely classes and squashed by tanh. The content coordinates are those of the
    samples in a latent space by truncated SVD, of unit length. Both have the same total
    variance, and are weighted by the square roots of the class weight and of 1 minus
    it: the squared distance is a weighted mean of those of the two parts. Both are
    rotated by iterative quantization [1]_, so that their signs lose little.

    The first 32 bits have the 48 leading principal components. Further bits have all
    directions in proportion to their variance: they need not repeat the leading ones.

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
        mixed bits. "auto" is 0.5 for bits after the first 32. With class posteriors, it
        is the first of :func:`class_weights` with which they expect at most a hundredth
        more errors than with the bits of the network.
    mixes_first : bool, default=False
        Whether the first 32 bits are mixed too where `class_weight` is "auto", by a
        weight of 0.7. Any other class weight mixes all bits.

    Attributes
    ----------
    class_weight_ : float
        The class weight of the last bits.

    References
    ----------
    .. [1] Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to
       learning binary codes", CVPR 2011. doi:10.1109/CVPR.2011.5995432
    """

    # Bits of the network at the beginning of the code. None in files of earlier mixers.
    _n_kept = 0
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
        labeled_fraction: float = 1.0,
        replaces: bool = False,
    ) -> "CodeMixer":
        """Learn the latent space and the rotation.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_samples, n_features)
            Scaled samples, in random order.
        class_logits : ndarray of shape (n_samples, n_class_bits), float32
            Their logits.
        random_state : RandomState
            Seeds the SVD and the rotations.
        posteriors : ndarray of shape (n_samples, n_classes), float32, default=None
            Their class posteriors. They choose a class weight of "auto" from 1,000
            samples on.
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
        self._n_kept = class_logits.shape[1] if keeps else 0
        self._space = LatentSpace(rows, _CONTENT_DIMENSIONS, random_state)
        content = self._content(rows, np.float64)
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
        if self._n_kept < class_logits.shape[1]:
            mixed = np.hstack(parts) @ weights > self._offset
            codes = np.hstack([class_bits[:, : self._n_kept], mixed])
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
        error = evidence.error(bits)
        most = max(_MAX_ERROR_RATIO * error, error + _MAX_ERROR_RISE)
        n_bits, spans, blocks = bits.shape[1], self._spans(), []
        weights = class_weights(evidence.labeled_fraction)
        rotated = partial(_rotated, both, widths, random_state=evidence.random_state)
        if replaces:
            first, self.class_weight_ = n_bits - _REPLACED_BITS, weights[0]
            block = rotated(self.class_weight_, first, n_bits)
            codes = np.hstack([bits[:, :first], both @ block > 0])
            if evidence.error(codes) <= most:
                self._n_kept, bits, blocks = first, codes, [block]
        for span in spans:
            for self.class_weight_ in weights:
                block = rotated(self.class_weight_, *span)
                if evidence.error(np.hstack([bits, both @ block > 0])) <= most:
                    break
            blocks.append(block)
        return blocks

    def _class_weight(self, first_bit: int) -> float:
        if self.class_weight != "auto":
            return float(self.class_weight)
        return _FURTHER_WEIGHT if first_bit else _FIRST_WEIGHT

    def _spans(self) -> list[tuple[int, int]]:
        """Return the first and the last bit (excluded) of each block of mixed bits."""
        if self._n_kept:
            return [(self._n_kept, self.n_bits)] if self.n_bits > self._n_kept else []
        edges = sorted({0, min(BLOCK_BITS, self.n_bits), self.n_bits})
        return list(pairwise(edges))

    def _content(self, rows: Rows, dtype: Any) -> NDArray[Any]:
        """Return the coordinates of scaled samples in a precision."""
        components = self._space.components
        if sp.issparse(rows) and components is not None:
            rows = with_data(rows, rows.data.astype(dtype, copy=False))
            return unit_rows(sparse_product(rows, components))[0]
        rows = rows.astype(dtype)
        if components is not None:
            rows = rows @ components.astype(dtype, copy=False)
        elif sp.issparse(rows):
            rows = rows.toarray()
        return unit_rows(rows)[0]

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
        content = self._content(rows, class_logits.dtype)
        mixed = by_torch(torch.tanh, class_logits) @ self._class_weights
        mixed += content @ self._content_weights
        mixed -= self._offset
        mixed = mixed.astype(class_logits.dtype)
        return np.hstack([class_logits[:, : self._n_kept], mixed])

    def class_bits(self, bits: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the bits of the network (n_rows, n_class_bits) by codes, in [0, 1]."""
        kept = bits[:, : self._n_kept].astype(np.float32)
        if self._inverse is None:
            return kept
        estimates = (2.0 * bits - 1) @ self._inverse[:-1] + self._inverse[-1]
        others = np.clip((estimates[:, self._n_kept :] + 1) / 2, 0, 1)
        return np.hstack([kept, others.astype(np.float32)])


@dataclass(frozen=True)
class _View:
    """Compute scaled rows, class logits and class posteriors of samples."""

    scale: Callable[[Rows], Rows]
    class_outputs: ClassOutputs

    def outputs(self, X: Rows) -> tuple[NDArray, NDArray | None]:
        """Return class logits and posteriors."""
        blocks = row_blocks(X.shape[0], _ROWS_PER_BLOCK)
        logits, found = zip(*(self.class_outputs(X[block]) for block in blocks))
        posteriors = None
        if found[0] is not None:
            posteriors = by_torch(torch.exp, np.concatenate(found))
        return np.concatenate(logits), posteriors


def fit_code_mixer(
    mixer: CodeMixer,
    X: Rows,
    scale: Callable[[Rows], Rows],
    class_outputs: ClassOutputs,
    random_state: np.random.RandomState,
    *,
    labeled_fraction: float | None,
    choose: bool,
) -> CodeMixer | None:
    """Fit a mixer to a sample of the training samples.

    Parameters
    ----------
    mixer : CodeMixer
        The mixer.
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The training samples.
    scale : callable
        Scales samples.
    class_outputs : callable
        Returns the class logits (n_rows, n_class_bits) of samples and the logarithms of
        their class posteriors (n_rows, n_classes), None without labels.
    random_state : RandomState
        Draws the sample and seeds the mixer.
    labeled_fraction : float or None
        The fraction of samples with labels; None without class posteriors.
    choose : bool
        Whether the first 32 bits may be mixed too if the training samples say so: all
        of them without labels, the last 8 with labels. Applies to codes of 32 bits or
        more with ``class_weight="auto"``.

    Returns
    -------
    mixer : CodeMixer or None
        None if the code is the bits of the network.
    """
    view = _View(scale, class_outputs)
    order = random_state.permutation(X.shape[0])[:_MAX_SAMPLES]
    choose = choose and mixer.class_weight == "auto" and mixer.n_bits >= BLOCK_BITS
    choose = choose and len(order) >= _MIN_CHOICE_SAMPLES
    has_labels = labeled_fraction is not None
    if choose and not has_labels:
        some = X[order[:_MAX_CHOICE_SAMPLES]]
        mixer.mixes_first = _mixes_better(some, view, random_state)
    is_open = mixer.class_weight != "auto" or mixer.n_bits > BLOCK_BITS
    if not (is_open or mixer.mixes_first or (choose and has_labels)):
        return None
    rows = X[order]
    logits, posteriors = view.outputs(rows)
    mixer.fit(
        view.scale(rows),
        logits,
        random_state,
        posteriors,
        labeled_fraction=labeled_fraction or 0.0,
        replaces=choose,
    )
    return mixer if mixer._n_kept < mixer.n_bits else None


def _mixes_better(X: Rows, view: _View, random_state: np.random.RandomState) -> bool:
    """Return whether mixed bits find more similar samples than those of the network.

    The samples that 32 bits of half a sample find are compared with its other half.
    """
    rows, (logits, _) = view.scale(X), view.outputs(X)
    mixer = CodeMixer(BLOCK_BITS, "auto", mixes_first=True)
    mixer.fit(rows, logits, random_state)
    first, second = split_halves(X[:_MAX_CHOICE_QUERIES], random_state)
    first_rows, (first_logits, _) = view.scale(first), view.outputs(first)
    vectors, halves = normalize(rows), normalize(view.scale(second))
    found = [
        found_similarity(of_samples > 0, of_halves > 0, vectors, halves, random_state)
        for of_samples, of_halves in (
            (logits, first_logits),
            (mixer.mix(rows, logits), mixer.mix(first_rows, first_logits)),
        )
    ]
    return bool(found[1].mean() > found[0].mean())


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
    weighted = both * weights
    variances, axes = eigh(weighted.T @ weighted)
    axes = axes[:, variances > _MIN_VARIANCE * variances[-1]][:, ::-1]
    if not first:
        axes = axes[:, : int(_COMPONENTS_PER_BIT * last)]
    rotation, _ = learn_rotation(
        (weighted @ axes).astype(np.float32),
        max(last - first, axes.shape[1]),
        _MAX_ITER,
        random_state=random_state,
    )
    return weights[:, None] * (axes @ rotation[:, : last - first])
