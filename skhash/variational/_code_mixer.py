"""Mix what separates classes with what tells their samples apart into one code."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from torch import Tensor

from skhash.utils._linalg import learn_rotation, unit_rows
from skhash.utils._rows import row_blocks
from skhash.utils._scaling import Rows
from skhash.utils._sparse import sparse_product, with_data
from skhash.variational._split_half import (
    found_similarity,
    gain_in_deviations,
    split_halves,
)
from skhash.variational.pseudo_labels._graph import LatentSpace

#: Bits of a block. The first block of a longer code is a code of this length.
BLOCK_BITS = 32
# The class weight of further bits without labels, and with a label for each sample:
# where all classes are known, content adds less to the first hits, and costs more.
_UNLABELED_WEIGHT, _LABELED_WEIGHT = 0.5, 0.7
_CONTENT_DIMENSIONS = 128
_MAX_ITER = 20
# Whether to mix all bits is decided by so many samples, of which some are queries, and
# by a gain of so many standard deviations.
_MIN_CHOICE_SAMPLES, _MAX_CHOICE_SAMPLES = 1000, 6000
_MAX_CHOICE_QUERIES = 2000
_MIN_GAIN = 2.0
# The rotation and its inverse are learned from this many samples at most.
_MAX_SAMPLES = 10_000
_ROWS_PER_BLOCK = 2048
# Relative to the largest variance; what is smaller is rounding.
_MIN_VARIANCE = 1e-9

ClassLogits = Callable[[Rows], Tensor]


class CodeMixer:
    """Rotate class coordinates and content coordinates into the bits of a code.

    The class coordinates are the logits of the network, moved towards the codewords of
    likely classes and squashed by tanh. The content coordinates are those of the
    samples in a latent space by truncated SVD, of unit length. Both have the same total
    variance, and are weighted by the square roots of the class weight and of 1 minus
    it: the squared distance is then a weighted mean of those of the two parts. The
    leading principal components of both together are rotated by iterative quantization
    [1]_, so that their signs lose little. Two views of a sample err differently, hence
    their mixture is often better than either, for classes too.

    With ``class_weight="auto"``, the first bits are those of the network, and the
    others are mixed. A mixture of all bits takes from the class what it gives to
    content, and is better on some data and worse on other; bits that are added to those
    of the network were better on all data measured (docs/quality.md).

    In either case, the first 32 bits do not depend on the length of the code: the
    beginning of a long code is a good code.

    Parameters
    ----------
    n_bits : int
        Length of the codes; with "auto", more than the bits of the network.
    class_weight : float or "auto"
        The fraction of the squared distance that is due to the class, in [0, 1). "auto"
        mixes the bits after those of the network, with a weight of 0.5 without labels
        that increases to 0.7 in proportion to the fraction of labeled samples.

    References
    ----------
    .. [1] Y. Gong, S. Lazebnik, "Iterative quantization: a Procrustean approach to
       learning binary codes", CVPR 2011. doi:10.1109/CVPR.2011.5995432
    """

    # Bits of the network at the beginning of the code. None in files of earlier mixers.
    _n_kept = 0

    def __init__(self, n_bits: int, class_weight: float | str):
        self.n_bits = n_bits
        self.class_weight = class_weight

    def fit(
        self,
        rows: Rows,
        class_logits: Tensor,
        random_state: np.random.RandomState,
        labeled_fraction: float = 0.0,
    ) -> "CodeMixer":
        """Learn the latent space and the rotation.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_samples, n_features)
            Scaled samples.
        class_logits : Tensor of shape (n_samples, n_class_bits)
            Their logits.
        random_state : RandomState
            Seeds the SVD and the rotations.
        labeled_fraction : float, default=0.0
            The fraction of the training samples that have a label.

        Returns
        -------
        self : CodeMixer
        """
        self.n_samples = rows.shape[0]
        is_auto = self.class_weight == "auto"
        self._n_kept = class_logits.shape[1] if is_auto else 0
        self._space = LatentSpace(rows, _CONTENT_DIMENSIONS, random_state)
        parts = [torch.tanh(class_logits).double().numpy(), self._content(rows)]
        centers = [part.mean(axis=0) for part in parts]
        scales = [
            np.sqrt(np.square(part - center).sum() / len(part)) or 1.0
            for part, center in zip(parts, centers)
        ]
        both = np.hstack([(part - c) / s for part, c, s in zip(parts, centers, scales)])
        widths = [part.shape[1] for part in parts]
        spans = self._spans()
        weight = self._class_weight(labeled_fraction)
        blocks = [
            self._block(both, widths, weight, *span, random_state) for span in spans
        ]
        weights = np.hstack(blocks) / np.repeat(scales, widths)[:, None]
        logits = np.hstack(parts) @ weights
        self._offset = logits.mean(axis=0)
        # The logits of each block get a mean square of 1, as those of the network.
        for block, (first, last) in zip(blocks, spans):
            deviation = np.sqrt(np.square(both @ block).mean()) or 1.0
            columns = slice(first - self._n_kept, last - self._n_kept)
            weights[:, columns] /= deviation
            self._offset[columns] /= deviation
        self._class_weights, self._content_weights = np.split(weights, widths[:1])
        if not self._n_kept:
            signs = np.where(np.hstack(parts) @ weights > self._offset, 1.0, -1.0)
            self._inverse = _ridge(signs, np.sign(class_logits.numpy()))
        return self

    def _class_weight(self, labeled_fraction: float) -> float:
        if self.class_weight != "auto":
            return float(self.class_weight)
        gain = _LABELED_WEIGHT - _UNLABELED_WEIGHT
        return _UNLABELED_WEIGHT + gain * labeled_fraction

    def _spans(self) -> list[tuple[int, int]]:
        """Return the first and the last bit (excluded) of each block of mixed bits."""
        if self._n_kept:
            return [(self._n_kept, self.n_bits)]
        edges = sorted({0, min(BLOCK_BITS, self.n_bits), self.n_bits})
        return list(pairwise(edges))

    def _block(
        self,
        both: NDArray[np.float64],
        widths: list[int],
        class_weight: float,
        first: int,
        last: int,
        random_state: np.random.RandomState,
    ) -> NDArray[np.float64]:
        """Return the weights (n_coordinates, n_bits) of the bits of a block."""
        weights = np.repeat(np.sqrt([class_weight, 1 - class_weight]), widths)
        weighted = both * weights
        variances, axes = eigh(weighted.T @ weighted)
        kept = variances > _MIN_VARIANCE * variances[-1]
        axes = axes[:, kept][:, ::-1][:, :last]
        rotation, _ = learn_rotation(
            (weighted @ axes).astype(np.float32),
            last,
            _MAX_ITER,
            random_state=random_state,
        )
        # Of all directions, as many as there are bits: each has its part of the
        # variance.
        return weights[:, None] * (axes @ rotation[:, : last - first])

    def _content(self, rows: Rows) -> NDArray[np.float64]:
        components = self._space.components
        if sp.issparse(rows) and components is not None:
            precise = with_data(rows, rows.data.astype(np.float64))
            return unit_rows(sparse_product(precise, components))[0]
        rows = rows.astype(np.float64)
        if components is not None:
            rows = rows @ components.astype(np.float64)
        elif sp.issparse(rows):
            rows = rows.toarray()
        return unit_rows(rows)[0]

    def mix(self, rows: Rows, class_logits: Tensor) -> Tensor:
        """Return the logits of codes.

        Parameters
        ----------
        rows : {ndarray, CSR} of shape (n_rows, n_features)
            Scaled samples.
        class_logits : Tensor of shape (n_rows, n_class_bits)
            Their logits.

        Returns
        -------
        logits : Tensor of shape (n_rows, n_bits)
            In the precision of `class_logits`, on its device.
        """
        coordinates = torch.tanh(class_logits).double().cpu().numpy()
        logits = coordinates @ self._class_weights
        logits += self._content(rows) @ self._content_weights
        mixed = torch.from_numpy(logits - self._offset).to(class_logits)
        return torch.hstack([class_logits[:, : self._n_kept], mixed])

    def class_bits(self, bits: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the bits of the network (n_rows, n_class_bits) by codes, in [0, 1]."""
        if self._n_kept:
            return bits[:, : self._n_kept].astype(np.float32)
        signs = 2.0 * bits - 1
        estimates = signs @ self._inverse[:-1] + self._inverse[-1]
        return np.clip((estimates + 1) / 2, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class _View:
    """Hold how samples become scaled rows and class logits."""

    scale: Callable[[Rows], Rows]
    class_logits: ClassLogits

    def logits(self, X: Rows) -> Tensor:
        """Return class logits on the CPU."""
        blocks = row_blocks(X.shape[0], _ROWS_PER_BLOCK)
        return torch.cat([self.class_logits(X[block]).cpu() for block in blocks])


def fit_code_mixer(
    mixer: CodeMixer,
    X: Rows,
    scale: Callable[[Rows], Rows],
    class_logits: ClassLogits,
    random_state: np.random.RandomState,
    *,
    labeled_fraction: float,
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
    class_logits : callable
        Returns the class logits (n_rows, n_class_bits) of samples.
    random_state : RandomState
        Draws the sample and seeds the mixer.
    labeled_fraction : float
        The fraction of the training samples that have a label.
    choose : bool
        Whether to mix all bits if that finds more similar samples. Applies to codes of
        32 bits or more with ``class_weight="auto"``.

    Returns
    -------
    mixer : CodeMixer or None
        None if the code is the bits of the network.
    """
    view = _View(scale, class_logits)
    order = random_state.permutation(X.shape[0])[:_MAX_SAMPLES]
    if mixer.class_weight == "auto":
        choose = choose and mixer.n_bits >= BLOCK_BITS
        if choose and len(order) >= _MIN_CHOICE_SAMPLES:
            some = np.sort(order[:_MAX_CHOICE_SAMPLES])
            if _mixes_better(X[some], view, random_state):
                mixer = CodeMixer(mixer.n_bits, _UNLABELED_WEIGHT)
        if mixer.class_weight == "auto" and mixer.n_bits <= BLOCK_BITS:
            return None
    rows = X[np.sort(order)]
    return mixer.fit(
        view.scale(rows), view.logits(rows), random_state, labeled_fraction
    )


def _mixes_better(X: Rows, view: _View, random_state: np.random.RandomState) -> bool:
    """Return whether mixed bits find more similar samples than those of the network.

    Judged without labels, at 32 bits: the samples that the code of one half of a sample
    finds are compared with its other half.
    """
    rows, logits = view.scale(X), view.logits(X)
    mixer = CodeMixer(BLOCK_BITS, _UNLABELED_WEIGHT).fit(rows, logits, random_state)
    first, second = split_halves(X[:_MAX_CHOICE_QUERIES], random_state)
    first_rows, first_logits = view.scale(first), view.logits(first)
    found = [
        found_similarity(
            (of_samples > 0).numpy(),
            (of_halves > 0).numpy(),
            rows,
            view.scale(second),
            random_state,
        )
        for of_samples, of_halves in (
            (logits, first_logits),
            (mixer.mix(rows, logits), mixer.mix(first_rows, first_logits)),
        )
    ]
    return gain_in_deviations(found[1], found[0]) > _MIN_GAIN


def _ridge(
    signs: NDArray[np.float64], targets: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the weights of a ridge regression with an intercept in the last row."""
    inputs = np.column_stack([signs, np.ones(len(signs))])
    gram = inputs.T @ inputs
    gram[np.diag_indices_from(gram)] += 1.0
    return np.linalg.solve(gram, inputs.T @ targets)
