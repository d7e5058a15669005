"""The self-supervised Bernoulli autoencoder: what goes in, what comes out."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from skhash.variational.sureness import class_log_odds
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import normalize

from skhash.codes import bit_statistics, pack_bits
from skhash.model_selection import mask_labels
from skhash.variational import SSBVAEHasher


def hasher(**kwargs):
    small = {
        "n_bits": 12,
        "hidden_layer_sizes": (64,),
        "batch_size": 32,
        "max_epochs": 8,
        "random_state": 0,
    }
    return SSBVAEHasher(**(small | kwargs))


@pytest.fixture(scope="module")
def rows(small_rows):
    return small_rows[0]


@pytest.fixture(scope="module")
def topics(small_rows):
    return small_rows[1]


@pytest.fixture(scope="module")
def labels(topics):
    return mask_labels(topics, 0.2, stratify=True, random_state=0)


@pytest.fixture(scope="module")
def signed():
    """Return rows of three Gaussian classes on unequal scales, and the classes."""
    rng = np.random.default_rng(0)
    classes = rng.integers(3, size=300)
    X = rng.normal(size=(300, 10)) + 3 * rng.normal(size=(3, 10))[classes]
    return X * rng.uniform(0.1, 20, size=10) + 5, classes


@pytest.fixture(scope="module")
def fitted(rows, labels):
    return hasher().fit(rows, labels)


@pytest.fixture(scope="module")
def unsupervised(rows):
    return hasher().fit(rows)


# Quality


def test_codes_of_a_class_are_near_each_other(fitted, rows, topics):
    bits = fitted.transform(rows).astype(int)
    distances = (bits[:, None] != bits).sum(axis=2)
    same = topics[:, None] == topics
    other = distances[~same].mean()
    np.fill_diagonal(same, False)
    assert distances[same].mean() < other / 3
    assert fitted.score(rows, topics) > 0.95


def test_codes_without_labels(unsupervised, rows, topics):
    assert unsupervised.score(rows, topics) > 0.8


def test_no_dead_bits(fitted, unsupervised, rows):
    for model in (fitted, unsupervised):
        statistics = bit_statistics(model.transform(rows))
        assert statistics.n_dead == 0
        assert 0.3 < statistics.means.mean() < 0.7
        assert statistics.entropies.mean() > 0.7


# Classes


def test_predict(fitted, rows, topics):
    assert_array_equal(fitted.classes_, [0, 1, 2])
    predicted = fitted.predict(rows)
    assert predicted.shape == (300,)
    assert predicted.dtype == fitted.classes_.dtype
    assert (predicted == topics).mean() > 0.95


def test_predict_proba(fitted, rows):
    probabilities = fitted.predict_proba(rows)
    assert probabilities.shape == (300, 3)
    assert probabilities.dtype == np.float32
    assert probabilities.min() >= 0
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert_array_equal(
        fitted.classes_[probabilities.argmax(axis=1)], fitted.predict(rows)
    )


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_predict_without_labels(unsupervised, rows, method):
    assert unsupervised.classes_ is None
    assert not hasattr(unsupervised, method)
    with pytest.raises(AttributeError) as raised:
        getattr(unsupervised, method)(rows)
    chain = f"{raised.value} {raised.value.__cause__}"
    assert "fitted without labels" in chain
    assert "Fit it with y" in chain


def test_query_before_fit(rows):
    for method in ("predict", "predict_proba", "encode_proba", "inverse_transform"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(hasher(), method)(rows)


def test_string_labels(fitted, rows, labels):
    names = np.array(["c", "a", "b", -1], dtype=object)
    model = hasher().fit(rows, names[labels])
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert (model.predict(rows) == names[fitted.predict(rows)]).mean() > 0.95


def test_strings_without_object_dtype(rows, labels):
    with pytest.raises(ValueError, match=r"number -1 in an array of dtype object"):
        hasher().fit(rows, labels.astype(str))


def test_several_labels_a_row(rows, topics, labels):
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]])[topics]
    partial = np.where(labels[:, None] == -1, -1, sets)
    model = hasher().fit(rows, partial)
    assert model.multilabel_
    probabilities, predicted = model.predict_proba(rows), model.predict(rows)
    assert probabilities.shape == predicted.shape == (300, 3)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    assert_array_equal(predicted, probabilities > 0.5)
    assert (predicted == sets).mean() > 0.9
    assert model.score(rows, partial) > 0.9


def test_several_labels_a_row_none_of_them_known(rows, unsupervised):
    model = hasher().fit(rows, np.full((300, 3), -1))
    assert_array_equal(model.transform(rows), unsupervised.transform(rows))


def test_soft_labels(rows, topics, labels):
    soft = (0.7 * np.eye(3) + 0.1)[topics]
    soft[labels == -1] = -1
    model = hasher().fit(rows, soft)
    assert not model.multilabel_
    assert (model.predict(rows) == topics).mean() > 0.95


def test_one_class_labeled(rows, topics):
    with pytest.raises(
        ValueError, match=r"at least two classes, or none.*got one class"
    ):
        hasher().fit(rows, np.where(topics == 1, 1, -1))


@pytest.mark.parametrize("n_labels", [299, 301])
def test_labels_of_the_wrong_length(rows, n_labels):
    with pytest.raises(ValueError, match=rf"one label per sample.* 300 .*got {n_labels}"):
        hasher().fit(rows, np.zeros(n_labels, dtype=int))


@pytest.mark.parametrize("value", [np.nan, 0.5])
def test_labels_that_are_none(rows, labels, value):
    y = labels.astype(float)
    y[3] = value
    with pytest.raises(ValueError, match="y must"):
        hasher().fit(rows, y)


# Epochs


@pytest.mark.parametrize(("n_features", "n_epochs"), [(2048, 30), (2049, 10)])
def test_rows_of_few_features_are_seen_more_often(rows, n_features, n_epochs):
    X = sp.csr_matrix((rows.data, rows.indices, rows.indptr), (300, n_features))
    assert hasher(max_epochs="auto").fit(X).n_iter_ == n_epochs
    assert hasher(max_epochs=2).fit(X).n_iter_ == 2


@pytest.mark.parametrize("max_epochs", [0, -1, 2.5, "many", None])
def test_no_number_of_epochs(rows, max_epochs):
    with pytest.raises(ValueError, match="max_epochs"):
        hasher(max_epochs=max_epochs).fit(rows)


# Unsure rows


def test_unsure_rows_step_aside(rows, labels):
    model = hasher(n_bits=16, low_confidence_fraction=0.4).fit(rows, labels)
    plain = clone(model).set_params(low_confidence_fraction=0).fit(rows, labels)
    steps = (model.transform(rows) != plain.transform(rows)).sum(axis=1)
    assert set(steps) == {0, 1}
    # Of the rows within a tenth of the bits from their codeword, the unsure ones.
    log_shares = plain._log_shares_of(rows)
    log_odds, likeliest = (part.numpy() for part in class_log_odds(log_shares))
    unsure = log_odds < model.confidence_thresholds_[likeliest]
    assert unsure[labels < 0].mean() == pytest.approx(0.4, abs=0.01)
    codewords = plain.network_.code_head.codewords().detach().numpy() > 0
    apart = (plain.transform(rows) != codewords[likeliest]).sum(axis=1)
    # A row on the bound itself may fall on either side in single precision.
    assert np.count_nonzero(steps != (unsure & (apart <= 1))) <= 1
    surest = plain.predict_proba(rows).max(axis=1)
    assert surest[steps == 0].mean() > surest[steps == 1].mean()
    assert model.confidence_thresholds_.shape == (3,)
    assert np.isfinite(model.confidence_thresholds_).all()
    assert plain.confidence_thresholds_ is None
    changed = (model.encode_proba(rows) > 0.5) != (plain.encode_proba(rows) > 0.5)
    assert_array_equal(changed.sum(axis=1), steps)


@pytest.mark.parametrize("share", [0, 1])
def test_no_row_steps_aside_without_rows_to_infer(rows, topics, share):
    y = topics if share else None
    assert hasher(n_bits=16, max_epochs=1).fit(rows, y).confidence_thresholds_ is None


def test_a_row_that_steps_aside_gets_the_same_code_alone(rows, labels):
    model = hasher(n_bits=32).fit(rows, labels)
    alone = np.vstack([model.transform(rows[[i]]) for i in range(40)])
    assert_array_equal(alone, model.transform(rows)[:40])


def test_codewords_draw_codes_of_a_class_together(rows, topics, labels):
    """Nearer to those of their class, not to those of others; no farther without."""

    def distances(codeword_weight):
        model = hasher(
            n_bits=32, codeword_weight=codeword_weight, low_confidence_fraction=0
        )
        codes = model.fit(rows, labels).transform(rows).astype(int)
        apart = np.abs(codes[:, None] - codes).sum(axis=2)
        alike = topics[:, None] == topics
        return apart[alike].mean(), apart[~alike].mean()

    (near, far), (near_without, far_without) = distances(2.0), distances(0.0)
    assert near < 0.8 * near_without
    assert far > 0.9 * far_without


# Words that speak for classes


def test_words_are_heard_where_they_may(rows, topics, labels, signed):
    few = {"max_epochs": 2, "n_bits": 16}
    assert hasher(**few).fit(rows, labels).word_classifier_.counts.shape == (
        rows.shape[1],
        3,
    )
    sets = np.eye(3, dtype=int)[topics]
    sets[:, 0] = 1
    for model, X, y in (
        (hasher(**few), rows, None),
        (hasher(**few), rows.toarray(), labels),
        (hasher(**few), rows, sets),
        (hasher(**few, word_classifier_weight=0), rows, labels),
        (hasher(**few, reconstruction="gaussian"), rows, labels),
        (hasher(**few, objective="paper"), rows, labels),
    ):
        assert model.fit(X, y).word_classifier_ is None


def test_words_change_the_code_of_a_row(rows, labels):
    model = hasher(n_bits=16, max_epochs=1).fit(rows, labels)
    deaf = clone(model).set_params(word_classifier_weight=0).fit(rows, labels)
    assert (model.transform(rows) != deaf.transform(rows)).any()
    assert_array_equal(model.transform(rows.toarray()), model.transform(rows))


def test_words_of_all_chunks_are_counted(rows, labels):
    model = hasher(max_epochs=1)
    for chunk in (slice(150), slice(150, 300)):
        model.partial_fit(rows[chunk], labels[chunk], classes=[0, 1, 2])
    total = normalize(rows).sum(axis=1)
    assert_allclose(model.word_classifier_.counts.sum(), total.sum(), rtol=1e-4)
    model.fit(rows[:150], labels[:150])
    assert_allclose(model.word_classifier_.counts.sum(), total[:150].sum(), rtol=1e-4)


# Bits and rows


def test_encode_proba(fitted, rows):
    probabilities = fitted.encode_proba(rows)
    assert probabilities.shape == (300, 12)
    assert probabilities.dtype == np.float32
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    assert_array_equal(probabilities > 0.5, fitted.transform(rows))


def test_inverse_transform(fitted, rows, topics):
    words = fitted.inverse_transform(fitted.transform(rows))
    assert words.shape == rows.shape
    assert words.dtype == np.float32
    assert words.min() >= 0
    assert_allclose(words.sum(axis=1), 1, rtol=1e-4)
    own = np.array([words[topics == topic].mean(axis=0) for topic in range(3)])
    real = np.array(
        [np.asarray(rows[topics == t].mean(axis=0)).ravel() for t in range(3)]
    )
    assert_array_equal((real @ own.T).argmax(axis=1), range(3))


def test_inverse_transform_of_packed_codes(fitted, rows):
    bits = fitted.transform(rows[:9])
    packed = hasher(output="packed")
    packed.__dict__.update(vars(fitted) | {"output": "packed"})
    assert_array_equal(
        packed.inverse_transform(pack_bits(bits)), fitted.inverse_transform(bits)
    )
    bits.flags.writeable = False
    assert_array_equal(
        fitted.inverse_transform(bits), packed.inverse_transform(pack_bits(bits))
    )
    with pytest.raises(ValueError, match="must have 2 bytes a row for codes of 12"):
        packed.inverse_transform(pack_bits(bits)[:, :1])


def test_inverse_transform_of_no_code(fitted, rows):
    bits = fitted.transform(rows[:9])
    with pytest.raises(ValueError, match=r"0 or 1.*packed"):
        fitted.inverse_transform(bits + 7)
    with pytest.raises(ValueError, match=r"must have 12 bits.*got 11"):
        fitted.inverse_transform(bits[:, 1:])


def test_single_row(fitted, rows):
    for X in (rows[:1], rows[:1].toarray()):
        assert fitted.transform(X).shape == (1, 12)
        assert fitted.predict_proba(X).shape == (1, 3)
        assert_array_equal(fitted.transform(X), fitted.transform(rows)[:1])
    with pytest.raises(ValueError, match=r"at least two rows.*n_samples=1"):
        hasher().fit(rows[:1])


def test_last_batch_of_one_row(rows):
    assert hasher(batch_size=299, max_epochs=1).fit(rows).n_iter_ == 1


# Decoders


def test_choice_of_the_decoder(rows, signed):
    assert hasher(max_epochs=1).fit(rows).reconstruction_ == "softmax"
    assert hasher(max_epochs=1).fit(signed[0]).reconstruction_ == "gaussian"
    forced = hasher(max_epochs=1, reconstruction="gaussian").fit(rows)
    assert forced.reconstruction_ == "gaussian"


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, sp.csr_array])
def test_negative_rows_with_a_softmax_decoder(signed, form):
    with pytest.raises(
        ValueError,
        match=r"non-negative with reconstruction='softmax'.*got a value of -.*gaussian",
    ):
        hasher(reconstruction="softmax").fit(form(signed[0]))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_signed_rows(signed, form):
    X, classes = form(signed[0]), signed[1]
    y = mask_labels(classes, 0.2, stratify=True, random_state=0)
    model = hasher(max_epochs=15).fit(X, y)
    assert (model.predict(X) == classes).mean() > 0.9
    assert model.score(X, classes) > 0.8
    rebuilt = model.inverse_transform(model.transform(X))
    error = ((rebuilt - signed[0]) ** 2).sum(axis=0)
    spread = ((signed[0] - signed[0].mean(axis=0)) ** 2).sum(axis=0)
    # In the original units, and nearer than the mean row.
    assert (error / spread).mean() < 0.7


def test_sparse_and_dense_signed_rows_get_the_same_codes(signed):
    X = signed[0]
    model = hasher(max_epochs=2).fit(X)
    assert_array_equal(model.transform(sp.csr_array(X)), model.transform(X))


def test_constant_features(signed):
    X = np.hstack([signed[0], np.full((300, 2), 3.0)])
    model = hasher(max_epochs=2).fit(X)
    assert np.isfinite(model.encode_proba(X)).all()


@pytest.mark.parametrize("n_bits", [1, 8, 33])
def test_numbers_of_bits(rows, labels, n_bits):
    model = hasher(n_bits=n_bits, max_epochs=2).fit(rows, labels)
    assert model.transform(rows).shape == (300, n_bits)


@pytest.mark.parametrize("sizes", [(16,), (32, 16), (8, 8, 8)])
def test_hidden_layers(rows, labels, sizes):
    model = hasher(hidden_layer_sizes=sizes, max_epochs=1).fit(rows, labels)
    assert model.transform(rows).shape == (300, 12)
