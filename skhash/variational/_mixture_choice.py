"""Fit a code mixer to training samples, and choose whether it mixes the first bits."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from skhash.utils._rows import row_blocks
from skhash.utils._scaling import Rows
from skhash.variational._code_evidence import found_similarity
from skhash.variational._code_mixer import BLOCK_BITS, CodeMixer
from skhash.variational._content_space import ContentSpace
from skhash.variational.nn._dense_ops import by_torch
from skhash.variational.pseudo_labels._graph import LatentSpace

# What is mixed is chosen by at least so many samples, of which some are queries.
_MIN_CHOICE_SAMPLES, _MAX_CHOICE_SAMPLES = 1000, 6000
_MAX_CHOICE_QUERIES = 2000
# Bits of the network may be replaced if more samples than this have labels: posteriors
# of others agree with the network more than with the classes.
_MIN_LABELED_FRACTION = 0.5
# The mixer learns from this many samples at most.
_MAX_SAMPLES = 10_000
_ROWS_PER_BLOCK = 2048

ClassOutputs = Callable[[Rows], tuple[NDArray, NDArray | None]]


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
        of them without labels, the last 8 if most samples have labels. Applies to codes
        of 32 bits or more with ``class_weight="auto"``.

    Returns
    -------
    mixer : CodeMixer or None
        None if the code is the bits of the network.
    """
    rows = X[random_state.permutation(X.shape[0])[:_MAX_SAMPLES]]
    is_auto = mixer.class_weight == "auto"
    choose = choose and is_auto and mixer.n_bits >= BLOCK_BITS
    choose = choose and rows.shape[0] >= _MIN_CHOICE_SAMPLES
    has_labels = labeled_fraction is not None
    replaces = choose and (labeled_fraction or 0.0) > _MIN_LABELED_FRACTION
    mixer.mixes_first = choose and not has_labels
    if is_auto and mixer.n_bits <= BLOCK_BITS and not (replaces or mixer.mixes_first):
        return None
    # The choice must not depend on how many bits were rotated before.
    choice_state = np.random.RandomState(random_state.randint(2**31))
    scaled, (logits, posteriors) = scale(rows), _outputs(class_outputs, rows)
    fit = partial(
        mixer.fit,
        scaled,
        logits,
        random_state,
        posteriors,
        space=ContentSpace(scaled, logits, mixer.bits_power(has_labels), random_state),
        labeled_fraction=labeled_fraction or 0.0,
        replaces=replaces,
    )
    fit()
    if mixer.mixes_first and not _mixes_better(mixer, scaled, logits, choice_state):
        mixer.mixes_first = False
        fit()
    return mixer if mixer.n_kept < mixer.n_bits else None


def _outputs(class_outputs: ClassOutputs, X: Rows) -> tuple[NDArray, NDArray | None]:
    """Return class logits and posteriors of samples, block by block."""
    blocks = row_blocks(X.shape[0], _ROWS_PER_BLOCK)
    logits, found = zip(*(class_outputs(X[block]) for block in blocks))
    posteriors = None
    if found[0] is not None:
        posteriors = by_torch(torch.exp, np.concatenate(found))
    return np.concatenate(logits), posteriors


def _mixes_better(
    mixer: CodeMixer,
    rows: Rows,
    class_logits: NDArray[np.float32],
    random_state: np.random.RandomState,
) -> bool:
    """Return whether mixed bits find more similar samples than those of the network.

    Samples are compared in a latent space with one dimension per bit. By their features
    mixed bits nearly always find more similar ones, also where they find fewer of the
    class (docs/quality.md).
    """
    rows, logits = rows[:_MAX_CHOICE_SAMPLES], class_logits[:_MAX_CHOICE_SAMPLES]
    vectors = LatentSpace(rows, BLOCK_BITS, random_state).transform(rows)
    mixed = mixer.mix(rows, logits)[:, :BLOCK_BITS]
    of_network, of_mixer = (
        found_similarity(codes > 0, _MAX_CHOICE_QUERIES, vectors, random_state)
        for codes in (logits, mixed)
    )
    return bool(of_mixer.mean() > of_network.mean())
