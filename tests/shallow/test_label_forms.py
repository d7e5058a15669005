"""Test hashers with every form of labels."""

import numpy as np
import pytest
import scipy.sparse as sp

from skhash.metrics import retrieval_report
from skhash.model_selection import mask_labels
from skhash.shallow import (
    CCAITQHasher,
    ClassifierHasher,
    ITQHasher,
    KernelSupervisedHasher,
    SemiSupervisedHasher,
    SupervisedDiscreteHasher,
)
from tests.data import MissingDataError, load_tmc2007

SUPERVISED = [
    CCAITQHasher,
    ClassifierHasher,
    KernelSupervisedHasher,
    SemiSupervisedHasher,
    SupervisedDiscreteHasher,
]


@pytest.fixture(scope="module")
def drawn():
    """Return rows around six centers, and the center of each."""
    rng = np.random.RandomState(0)
    y = rng.randint(6, size=500)
    return 1.5 * rng.standard_normal((6, 12))[y] + rng.standard_normal((500, 12)), y


@pytest.fixture(scope="module")
def reports():
    """Return measures of a hasher on reports of several problems each."""
    try:
        data = load_tmc2007()
    except MissingDataError as error:
        pytest.skip(str(error))
    X, y = data.X_train[:2500], data.y_train[:2500]
    cache = {}

    def report(Hasher, relevance, y_partial=None):
        if Hasher not in cache:
            hasher = Hasher(32, random_state=0).fit(X, y_partial)
            cache[Hasher] = [hasher.transform(A) for A in (X, data.X_test[:500])]
        index, query = cache[Hasher]
        return retrieval_report(
            index, y, query, data.y_test[:500], k=100, radius=(), relevance=relevance
        )

    report.labels = mask_labels(y, 0.5, random_state=0)
    return report


@pytest.mark.parametrize("relevance", ["any", "jaccard"])
@pytest.mark.parametrize("Hasher", SUPERVISED)
def test_several_labels_help_to_retrieve_reports(reports, Hasher, relevance):
    taught = reports(Hasher, relevance, sp.csr_array(reports.labels))
    without = reports(ITQHasher, relevance)
    for measure in ("precision_at_100", "ndcg_at_100"):
        assert taught[measure] > without[measure] + 0.01


@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_matrix, np.ndarray.tolist])
@pytest.mark.parametrize("Hasher", SUPERVISED)
def test_indicators_of_all_forms_give_the_same_codes(drawn, Hasher, form):
    X, y = drawn
    several = np.eye(6, dtype=int)[y] | np.eye(6, dtype=int)[(y + 1) % 6]
    partial = mask_labels(several, 0.5, random_state=0)
    fitted = [
        Hasher(12, random_state=0).fit(X, given) for given in (partial, form(partial))
    ]
    codes = [hasher.transform(X) for hasher in fitted]
    np.testing.assert_array_equal(*codes)
    assert fitted[1].score(X, form(several)) == fitted[0].score(X, several)
    assert fitted[0].score(X, several) > ITQHasher(12, random_state=0).fit(X).score(
        X, several
    )


@pytest.mark.parametrize("Hasher", SUPERVISED)
def test_probabilities_give_codes_about_as_good_as_classes(drawn, Hasher):
    X, y = drawn
    partial = mask_labels(y, 0.5, random_state=0)
    # Sure of a half of the rows, in doubt between two classes at the others.
    soft = np.eye(6)[y]
    soft[::2] = 0.7 * soft[::2] + 0.3 * np.eye(6)[(y[::2] + 1) % 6]
    soft[partial < 0] = -1
    taught, expected = (
        Hasher(12, random_state=0).fit(X, given).score(X, y)
        for given in (soft, partial)
    )
    assert taught > expected - 0.1
    with pytest.raises(ValueError, match="must hold classes, not class probabilities"):
        Hasher(12, random_state=0).fit(X, y).score(X, soft)


def test_label_spreading_needs_one_label_per_sample(drawn):
    X, y = drawn
    soft = 0.4 * np.eye(6)[y] + 0.1
    with pytest.raises(ValueError, match="needs one label per sample"):
        ClassifierHasher(12, pseudo_labels="label_spreading").fit(X, soft)
