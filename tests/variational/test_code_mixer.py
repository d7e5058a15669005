"""Test codes that mix class and content: weights, prefixes, inverse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skhash.variational import SSBVAEHasher
from skhash.variational._code_mixer import CodeMixer


def hasher(**kwargs):
    small = {
        "hidden_layer_sizes": (64,),
        "batch_size": 64,
        "max_epochs": 4,
        "class_weight": "auto",
    }
    return SSBVAEHasher(**(small | {"random_state": 0} | kwargs))


def coordinates(n_samples=400):
    """Return content rows and class logits that are independent of each other."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((n_samples, 12)).astype(np.float32)
    return rows, rng.standard_normal((n_samples, 8)).astype(np.float32)


def agreement(similarities, logits):
    """Return the correlation of similarities with agreeing bits over all pairs."""
    signs = np.sign(logits)
    above = np.triu_indices(len(signs), 1)
    return np.corrcoef((signs @ signs.T)[above], similarities[above])[0, 1]


def test_class_weight_moves_the_code_from_content_to_class():
    rows, class_logits = coordinates()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    squashed = np.tanh(class_logits)
    content, classes = unit @ unit.T, squashed @ squashed.T
    found = []
    for weight in (0.0, 0.3, 0.7, 0.95):
        mixer = CodeMixer(32, weight).fit(rows, class_logits, np.random.RandomState(0))
        logits = mixer.mix(rows, class_logits)
        found.append((agreement(content, logits), agreement(classes, logits)))
    with_content, with_classes = np.transpose(found)
    assert (np.diff(with_content) < 0).all()
    assert (np.diff(with_classes) > 0).all()
    assert with_content[0] > 0.7
    assert abs(with_classes[0]) < 0.1


@pytest.mark.parametrize("n_bits", [1, 8, 32, 33, 100])
def test_logits_of_codes(n_bits):
    rows, class_logits = coordinates()
    mixer = CodeMixer(n_bits, 0.6).fit(rows, class_logits, np.random.RandomState(0))
    logits = mixer.mix(rows, class_logits)
    assert logits.shape == (400, n_bits)
    assert_allclose(logits.mean(axis=0), 0, atol=1e-5)
    assert_allclose(np.square(logits[:, :32]).mean(), 1, rtol=1e-4)
    bits = logits > 0
    assert bits.mean(axis=0).min() > 0.2
    assert bits.mean(axis=0).max() < 0.8
    estimates = mixer.class_bits(bits.astype(np.uint8))
    assert estimates.shape == (400, 8)
    assert estimates.min() >= 0
    assert estimates.max() <= 1
    if n_bits > 8:
        assert ((estimates > 0.5) == (class_logits > 0)).mean() > 0.7


def test_first_bits_are_those_of_the_network():
    rows, class_logits = coordinates()
    mixer = CodeMixer(40, "auto").fit(rows, class_logits, np.random.RandomState(0))
    logits = mixer.mix(rows, class_logits)
    assert_array_equal(logits[:, :8], class_logits)
    assert_allclose(logits[:, 8:].mean(axis=0), 0, atol=1e-5)
    assert_allclose(np.square(logits[:, 8:]).mean(), 1, rtol=1e-4)
    bits = (logits > 0).astype(np.uint8)
    assert_array_equal(mixer.class_bits(bits), bits[:, :8])


@pytest.mark.parametrize("is_sure", [True, False])
def test_class_weight_is_chosen_by_posteriors(is_sure):
    # Content that says nothing of the class costs precision, if there are classes.
    rows, _ = coordinates(2000)
    rng = np.random.default_rng(1)
    y = rng.integers(10, size=2000)
    codewords = rng.standard_normal((10, 8))
    class_logits = codewords[y].astype(np.float32)
    posteriors = np.full((2000, 10), 0.1, dtype=np.float32)
    if is_sure:
        posteriors = np.eye(10, dtype=np.float32)[y]
    random_state = np.random.RandomState(0)
    mixer = CodeMixer(40, "auto").fit(rows, class_logits, random_state, posteriors)
    assert (mixer.class_weight_ >= 0.45) == is_sure
    assert (mixer.class_weight_ == 0.3) != is_sure
    assert mixer.mix(rows, class_logits).shape == (2000, 40)
    few = CodeMixer(40, "auto").fit(
        rows[:400], class_logits[:400], random_state, posteriors[:400]
    )
    assert few.class_weight_ == 0.15


@pytest.mark.parametrize("is_separated", [True, False])
def test_bits_that_classes_do_not_need_are_mixed(is_separated):
    rows, _ = coordinates(2000)
    rng = np.random.default_rng(0)
    n_classes = 4 if is_separated else 16
    y = rng.integers(n_classes, size=2000)
    codewords = rng.choice([-1.0, 1.0], (n_classes, 32))
    if not is_separated:
        codewords[:, :24] = 1  # All that separates classes is in the last bits.
    class_logits = codewords[y].astype(np.float32)
    posteriors = np.eye(n_classes, dtype=np.float32)[y]
    short, long = (
        CodeMixer(n_bits, "auto").fit(
            rows, class_logits, np.random.RandomState(0), posteriors, replaces=True
        )
        for n_bits in (32, 64)
    )
    logits = long.mix(rows, class_logits)
    assert logits.shape == (2000, 64)
    n_kept = 24 if is_separated else 32
    assert short.n_kept == long.n_kept == n_kept
    assert_array_equal(logits[:, :n_kept], class_logits[:, :n_kept])
    if is_separated:
        assert_allclose(logits[:, :32], short.mix(rows, class_logits), rtol=1e-5)
        bits = (logits > 0).astype(np.uint8)
        estimates = long.class_bits(bits)
        assert estimates.shape == (2000, 32)
        assert_array_equal(estimates > 0.5, class_logits > 0)


def test_short_codes_are_of_the_class(rows, labels):
    short, of_class = (
        hasher(class_weight=weight).fit(rows, labels) for weight in ("auto", 1)
    )
    assert short.code_mixer_ is None
    assert_array_equal(short.transform(rows), of_class.transform(rows))


def test_equal_samples():
    rows = np.ones((20, 5), dtype=np.float32)
    class_logits = np.ones((20, 4), dtype=np.float32)
    mixer = CodeMixer(16, "auto").fit(rows, class_logits, np.random.RandomState(0))
    assert np.isfinite(mixer.mix(rows, class_logits)).all()


@pytest.mark.parametrize("labeled", [True, False])
def test_first_bits_are_a_shorter_code(rows, labels, labeled):
    y = labels if labeled else None
    long, short = (hasher(n_bits=n_bits).fit(rows, y) for n_bits in (72, 32))
    assert_array_equal(long.transform(rows)[:, :32], short.transform(rows))
    assert long.network_.n_bits == 32
    assert (
        hasher(n_bits=40, class_weight=1, max_epochs=1).fit(rows).network_.n_bits == 40
    )


def test_decision_function(rows, labels):
    model = hasher(n_bits=40).fit(rows, labels)
    logits = model.decision_function(rows)
    assert logits.shape == (300, 40)
    assert logits.dtype == np.float32
    assert_array_equal(logits > 0, model.transform(rows))
    assert_allclose(model.encode_proba(rows), 1 / (1 + np.exp(-logits)), rtol=1e-5)


@pytest.mark.parametrize("class_weight", [0, 0.5, "auto"])
@pytest.mark.parametrize("form", ["sparse", "dense", "signed"])
def test_samples_alone_and_in_a_batch(rows, labels, signed, form, class_weight):
    X = {"sparse": rows, "dense": rows.toarray(), "signed": signed[0]}[form]
    model = hasher(n_bits=48, class_weight=class_weight, max_epochs=1).fit(X, labels)
    alone = np.vstack([model.transform(X[[i]]) for i in range(30)])
    assert_array_equal(alone, model.transform(X)[:30])


def test_a_small_chunk_does_not_change_the_mixture(rows, labels):
    model = hasher(n_bits=40).partial_fit(rows, labels, classes=[0, 1, 2])
    mixer = model.code_mixer_
    assert model.partial_fit(rows[:50], labels[:50]).code_mixer_ is mixer
    assert model.partial_fit(rows, labels).code_mixer_ is not mixer


@pytest.mark.parametrize("class_weight", [-0.1, 1.1, "half", None])
def test_no_class_weight(rows, class_weight):
    with pytest.raises(ValueError, match="'class_weight' parameter"):
        hasher(class_weight=class_weight).fit(rows)
