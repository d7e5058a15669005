"""Test the hasher of samples with several views."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline, make_union

from skhash import MultiViewSSBVAEHasher, io
from skhash.model_selection import mask_labels

N_WORDS, N_DENSE = 120, 8


def hasher(**kwargs):
    small = {
        "n_bits": 16,
        "views": (-1, N_DENSE),
        "hidden_layer_sizes": (64,),
        "batch_size": 64,
        "max_epochs": 10,
        "random_state": 0,
    }
    return MultiViewSSBVAEHasher(**(small | kwargs))


@pytest.fixture(scope="module")
def views():
    """Return words and dense features of four classes, and the classes.

    The words tell the first two classes from the last two, the dense features the even
    ones from the odd ones.
    """
    rng = np.random.default_rng(0)
    classes = rng.integers(4, size=400)
    likely = np.arange(N_WORDS) % 2 == (classes // 2)[:, None]
    words = (rng.random((400, N_WORDS)) < 0.02 + 0.1 * likely).astype(float)
    centers = 2 * rng.normal(size=(2, N_DENSE))
    return words, rng.normal(size=(400, N_DENSE)) + centers[classes % 2], classes


@pytest.fixture(scope="module")
def both(views):
    return sp.csr_array(np.hstack(views[:2]))


@pytest.fixture(scope="module")
def labels(views):
    return mask_labels(views[2], 0.2, stratify=True, random_state=0)


@pytest.fixture(scope="module")
def fitted(both, labels):
    return hasher().fit(both, labels)


def test_codes_depend_on_both_views(views, fitted, both, labels):
    words, dense, classes = views
    alone = [
        hasher(views=None).fit(X, labels).score(X, classes)
        for X in (sp.csr_array(words), dense)
    ]
    assert fitted.score(both, classes) > max(alone) + 0.2
    assert (fitted.predict(both) == classes).mean() > 0.9


def test_codes_without_labels(both, views):
    words, dense, classes = views
    alone = [
        hasher(views=None).fit(X).score(X, classes)
        for X in (sp.csr_array(words), dense)
    ]
    assert hasher().fit(both).score(both, classes) > max(alone) - 0.02


def test_longer_codes(both, labels, views):
    long = hasher(n_bits=48).fit(both, labels)
    short = hasher(n_bits=32).fit(both, labels)
    assert_array_equal(long.transform(both)[:, :32], short.transform(both))
    assert long.score(both, views[2]) > 0.8


def test_kinds_of_views(fitted):
    assert fitted.scaler_.is_words == [True, False]
    assert fitted.reconstruction_ == "views"


def test_order_of_views(views, labels):
    words, dense, classes = views
    X = np.hstack([dense, words])
    swapped = hasher(views=(N_DENSE, N_WORDS)).fit(X, labels)
    assert swapped.scaler_.is_words == [False, True]
    assert swapped.score(X, classes) > 0.8


def test_dense_input_gives_the_same_codes(fitted, both, labels):
    dense = both.toarray()
    assert_array_equal(fitted.transform(dense), fitted.transform(both))
    again = hasher().fit(dense, labels)
    assert (again.transform(dense) == fitted.transform(both)).mean() > 0.99


def test_samples_without_a_view(both, labels, views):
    lacking = both.toarray()
    lacking[::3, N_WORDS:] = 0
    lacking[1::3, :N_WORDS] = 0
    model = hasher().fit(lacking, labels)
    codes = model.transform(lacking)
    complete = np.arange(400) % 3 == 2
    assert model.score(lacking[complete], views[2][complete]) > 0.75
    assert len(np.unique(codes[::3], axis=0)) > 1
    as_nan = both.toarray()
    as_nan[::3, N_WORDS:] = np.nan
    as_nan[1::3, :N_WORDS] = np.nan
    assert_array_equal(hasher().fit(as_nan, labels).transform(as_nan), codes)
    in_csr = sp.csr_array(as_nan)
    assert_array_equal(model.transform(in_csr), codes)


def test_a_view_that_is_missing_in_queries_only(fitted, both, views):
    words_only = both.toarray()
    words_only[:, N_WORDS:] = 0
    predicted = fitted.predict(words_only)
    assert ((predicted // 2) == views[2] // 2).mean() > 0.9


def test_partly_missing_view(both):
    X = both.toarray()
    X[3, N_WORDS] = np.nan
    message = "NaN in some features of the view of columns 120 to 127 in row 3"
    with pytest.raises(ValueError, match=message):
        hasher().fit(X)


@pytest.mark.parametrize(
    "widths", [(-1, -1), (5, 5), (-1, 500), (), (0, -1), (128, -1), ("a",), (1.5, -1)]
)
def test_invalid_views(both, widths):
    with pytest.raises(ValueError, match="views must"):
        hasher(views=widths).fit(both)


def test_views_of_equal_kinds(views, labels):
    words, dense, classes = views
    signed = np.hstack([words - 0.1, dense])
    model = hasher(views=(N_WORDS, N_DENSE)).fit(signed, labels)
    assert model.scaler_.is_words == [False, False]
    assert model.score(signed, classes) > 0.8
    halves = sp.csr_array(words)
    model = hasher(views=(60, 60)).fit(halves, labels)
    assert model.scaler_.is_words == [True, True]
    assert model.score(halves, classes // 2) > 0.8


def test_many_words(views, labels):
    words, dense, classes = views
    X = sp.hstack([words, sp.csr_array((400, 40_000)), dense], format="csr")
    model = hasher(max_epochs=3).fit(X, labels)
    assert model.score(X, classes) > 0.5


def test_several_labels_per_sample(both, views):
    classes = views[2]
    indicator = np.column_stack([classes // 2, classes % 2, classes == 3])
    model = hasher().fit(both, indicator)
    assert (model.predict(both) == indicator).mean() > 0.9


def test_without_collaborators(both, labels, views):
    model = hasher(pseudo_labeler=None, code_assigner=None).fit(both, labels)
    assert model.score(both, views[2]) > 0.5


def test_reconstruction(fitted, both):
    decoded = fitted.inverse_transform(fitted.transform(both))
    assert decoded.shape == both.shape
    np.testing.assert_allclose(decoded[:, :N_WORDS].sum(axis=1), 1, atol=1e-4)
    error = np.square(decoded[:, N_WORDS:] - both.toarray()[:, N_WORDS:]).mean()
    assert error < both.toarray()[:, N_WORDS:].var(axis=0).mean()


def test_chunks_and_new_classes(both, views):
    classes = views[2]
    model = hasher()
    for _ in range(4):
        for rows in np.array_split(np.flatnonzero(classes < 3), 2):
            model.partial_fit(both[rows], classes[rows], classes=[0, 1, 2])
    old = model.transform(both[classes < 3])
    model.partial_fit(both[classes == 3], classes[classes == 3])
    assert_array_equal(model.classes_, [0, 1, 2, 3])
    assert (model.transform(both[classes < 3]) == old).mean() > 0.9
    assert (model.predict(both)[classes == 3] == 3).mean() > 0.5


def test_saved(fitted, both, tmp_path):
    codes, probabilities = fitted.transform(both), fitted.predict_proba(both)
    io.save(tmp_path / "hasher.skhash", fitted)
    for copied in (
        pickle.loads(pickle.dumps(fitted)),
        io.load(tmp_path / "hasher.skhash"),
    ):
        assert_array_equal(copied.transform(both), codes)
        assert_array_equal(copied.predict_proba(both), probabilities)


def test_pipelines():
    pandas = pytest.importorskip("pandas")
    texts = ["a cat sat", "the cat ran", "stocks fell", "stocks rose"] * 10
    latent = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0))
    y = [0, -1, 1, -1] * 10
    union = make_pipeline(
        make_union(TfidfVectorizer(), latent), hasher(n_bits=8, views=(-1, 2))
    )
    codes = union.fit_transform(texts, y)
    frame = pandas.DataFrame(
        {"title": texts, "x": np.arange(40) % 4 - 1.5, "z": np.arange(40) % 2 - 0.5}
    )
    columns = make_pipeline(
        ColumnTransformer(
            [("words", TfidfVectorizer(), "title"), ("rest", "passthrough", ["x", "z"])]
        ),
        hasher(n_bits=8, views=(-1, 2)),
    )
    assert columns.fit_transform(frame, y).shape == codes.shape == (40, 8)
