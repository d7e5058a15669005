"""Test the self-supervised Bernoulli autoencoder: codes, classes, parts."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skhash.codes import bit_statistics
from skhash.model_selection import mask_labels
from skhash.variational import CodeAssigner, PseudoLabeler, SSBVAEHasher


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


def test_unlabeled_samples_are_learned_from(rows, topics):
    """Six labels of 300: the labeled samples alone are too few."""
    X = rows
    y = mask_labels(topics, 6, stratify=True, random_state=0)
    assert (hasher(batch_size=32).fit(X, y).predict(X) == topics).mean() > 0.9


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
    with pytest.raises(ValueError, match=r"number -1 .*in an array of dtype object"):
        hasher().fit(rows, labels.astype(str))


def test_several_labels_per_sample(rows, topics, labels):
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


def test_several_labels_per_sample_none_of_them_known(rows, unsupervised):
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
        hasher().fit(rows, np.where(topics == 1, 2, -1))


@pytest.mark.parametrize("n_labels", [299, 301])
def test_labels_of_the_wrong_length(rows, n_labels):
    with pytest.raises(ValueError, match=rf"one label .* 300 .*got {n_labels}"):
        hasher().fit(rows, np.zeros(n_labels, dtype=int))


@pytest.mark.parametrize("value", [np.inf, 0.5])
def test_values_that_are_not_labels(rows, labels, value):
    y = labels.astype(float)
    y[3] = value
    with pytest.raises(ValueError, match="y must"):
        hasher().fit(rows, y)


# Epochs


@pytest.mark.parametrize(("n_features", "n_epochs"), [(2048, 30), (2049, 10)])
def test_more_epochs_with_few_features(rows, n_features, n_epochs):
    X = sp.csr_matrix((rows.data, rows.indices, rows.indptr), (300, n_features))
    small = {"hidden_layer_sizes": (8,), "batch_size": 100}
    assert hasher(max_epochs="auto", **small).fit(X[:100]).n_iter_ == n_epochs
    assert hasher(max_epochs=2, **small).fit(X[:100]).n_iter_ == 2


@pytest.mark.parametrize("max_epochs", [0, -1, 2.5, "many", None])
def test_no_number_of_epochs(rows, max_epochs):
    with pytest.raises(ValueError, match="max_epochs"):
        hasher(max_epochs=max_epochs).fit(rows)


# Parts


TINY = {"hidden_layer_sizes": (8,), "max_epochs": 2, "batch_size": 64}


@pytest.mark.parametrize("name", ["codeword_weight", "n_neighbors"])
def test_grid_of_nested_parameters(rows, topics, name):
    prefix, values = {
        "codeword_weight": ("code_assigner", [0.0, 4.0]),
        "n_neighbors": ("pseudo_labeler", [1, 20]),
    }[name]
    model = hasher(**TINY, code_assigner=CodeAssigner(), pseudo_labeler=PseudoLabeler())
    grid = {f"{prefix}__{name}": values}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(rows, topics)
    best = search.best_estimator_
    chosen = search.best_params_[f"{prefix}__{name}"]
    assert getattr(getattr(best, f"{prefix}_"), name) == chosen
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] != scores[1]
    # The parts that were given stay as they were.
    assert vars(model.code_assigner) == CodeAssigner().get_params()
    assert vars(model.pseudo_labeler) == PseudoLabeler().get_params()


def test_nested_parameters_are_cloned_and_set():
    model = hasher(
        code_assigner=CodeAssigner(codeword_weight=0.1),
        pseudo_labeler=PseudoLabeler(n_neighbors=3),
    )
    copied = clone(model)
    assert copied.code_assigner is not model.code_assigner
    assert copied.get_params()["code_assigner__codeword_weight"] == 0.1
    assert copied.get_params()["pseudo_labeler__n_neighbors"] == 3
    copied.set_params(code_assigner__codeword_weight=0.7)
    assert copied.code_assigner.codeword_weight == 0.7
    assert model.code_assigner.codeword_weight == 0.1
    with pytest.raises(ValueError, match="Invalid parameter 'weight'"):
        model.set_params(code_assigner__weight=0.7)
    with pytest.raises(ValueError, match="Invalid parameter"):
        hasher().set_params(n_neighbors=3)


def test_fitted_parts_are_copies(rows, labels):
    """One part can be given to several hashers."""
    assigner, labeler = CodeAssigner(codeword_weight=0.1), PseudoLabeler()
    model = hasher(**TINY, code_assigner=assigner, pseudo_labeler=labeler)
    codes = model.fit(rows, labels).transform(rows)
    assert model.code_assigner is assigner
    assert vars(assigner) == assigner.get_params()
    assert vars(labeler) == labeler.get_params()
    assert model.code_assigner_.codeword_weight == 0.1
    other = hasher(**TINY, code_assigner=assigner, pseudo_labeler=labeler)
    other.fit(rows[:100], labels[:100])
    assert_array_equal(model.transform(rows), codes)


def test_auto_is_the_default_of_a_part(rows, labels):
    given = hasher(**TINY, code_assigner=CodeAssigner(), pseudo_labeler=PseudoLabeler())
    assert_array_equal(
        hasher(**TINY).fit(rows, labels).transform(rows),
        given.fit(rows, labels).transform(rows),
    )


@pytest.mark.parametrize(
    ("part", "name", "message"),
    [
        (CodeAssigner(codeword_weight=-1), "codeword_weight", "float in the range"),
        (CodeAssigner(codeword_weight="a"), "codeword_weight", "got|Got 'a'"),
        (CodeAssigner(low_confidence_fraction=1), "low_confidence_fraction", "range"),
        (CodeAssigner(use_training_labels=3), "use_training_labels", "bool"),
        (CodeAssigner(word_classifier_weight=-1), "word_classifier_weight", "range"),
        (PseudoLabeler(n_neighbors=0), "n_neighbors", "int in the range"),
        (PseudoLabeler(neighbor_weight=1), "neighbor_weight", "range"),
        (PseudoLabeler(label_smoothing=-0.1), "label_smoothing", "range"),
    ],
)
def test_invalid_nested_parameters(rows, labels, part, name, message):
    which = "code_assigner" if isinstance(part, CodeAssigner) else "pseudo_labeler"
    model = hasher(**TINY, **{which: part})
    calls = [model.fit, model.partial_fit]
    for call in calls:
        with pytest.raises(ValueError, match=f"'{name}' parameter of .*{message}"):
            call(rows, labels)
    assert not hasattr(model, "network_")


@pytest.mark.parametrize("name", ["code_assigner", "pseudo_labeler"])
@pytest.mark.parametrize(
    "value", ["none", True, 3, CodeAssigner, PseudoLabeler, SSBVAEHasher()]
)
def test_invalid_parts(rows, labels, name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of SSBVAEHasher"):
        hasher(**TINY, **{name: value}).fit(rows, labels)


@pytest.mark.parametrize("labeled", ["some", "all", "none", "sets"])
@pytest.mark.parametrize("form", ["sparse", "dense", "signed"])
@pytest.mark.parametrize("missing", ["pseudo_labeler", "code_assigner", "both"])
def test_without_parts(rows, topics, labels, signed, form, labeled, missing):
    names = ["pseudo_labeler", "code_assigner"] if missing == "both" else [missing]
    X = {"sparse": rows, "dense": rows.toarray(), "signed": signed[0]}[form]
    y = {
        "some": labels,
        "all": topics,
        "none": None,
        "sets": np.eye(3, dtype=int)[topics],
    }[labeled]
    model = hasher(**TINY, n_bits=16, class_weight=1, **dict.fromkeys(names))
    model.fit(X, y)
    assert model.transform(X).shape == (300, 16)
    model.partial_fit(X, y)
    codes = model.transform(X)
    assert_array_equal(model.transform(X[[7]]), codes[[7]])
    assert all(getattr(model, f"{name}_") is None for name in names)
    if "code_assigner" in names:
        # The code is the signs of the logits of the network.
        assert_array_equal(codes, model._activations(X)[1].numpy() > 0)
    if labeled != "none":
        assert (
            model.predict(X).shape
            == (model.predict_proba(X).shape[: codes.ndim])[
                : 2 if labeled == "sets" else 1
            ]
        )
    if "pseudo_labeler" in names:
        assert all(epoch["clusters"] == 0 for epoch in model.history_)


def test_codes_without_parts_follow_classes(rows, topics, labels):
    model = hasher(pseudo_labeler=None, code_assigner=None, max_epochs=15)
    model.fit(rows, labels)
    assert (model.predict(rows) == topics).mean() > 0.8
    assert model.score(rows, topics) > 0.7


def test_parts_may_change_during_training(rows, labels):
    """But what belongs to the network remains: the heads of the clusters."""
    model = hasher(**TINY, warm_start=True).fit(rows, labels)
    for change in (
        {"code_assigner": None},
        {"code_assigner": CodeAssigner(codeword_weight=2.0)},
        {"pseudo_labeler": None},
        {"pseudo_labeler": PseudoLabeler(n_neighbors=3)},
    ):
        model.set_params(**change).fit(rows, labels).partial_fit(rows, labels)
        assert np.isfinite(model.encode_proba(rows)).all()
    assert len(model.network_.cluster_heads) == 4
    without = hasher(**TINY, warm_start=True, pseudo_labeler=None).fit(rows, labels)
    without.set_params(pseudo_labeler="auto").fit(rows, labels)
    assert without.transform(rows).shape == (300, 12)
