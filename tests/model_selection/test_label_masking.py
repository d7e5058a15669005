"""Test label masking."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from skhash.model_selection import (
    mask_labels,
)


def partial_labels(n=60, n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return mask_labels(rng.integers(0, n_classes, n), keep=0.5, random_state=seed)


def several_labels(n=60, n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, n_classes)) < [0.6, 0.3, 0.2, 0.1]).astype(int)
    y[::3] = -1
    return y


@pytest.mark.parametrize(
    "y",
    [
        np.arange(100) % 7,
        (np.arange(100) % 7).astype(np.uint8),
        np.arange(100) % 2 == 0,
        np.array(list("abcde") * 20),
        np.array(list("abcde") * 20, dtype=object),
        np.arange(100) % 7 + 0.0,
    ],
    ids=["int", "uint8", "bool", "str", "object", "float"],
)
@pytest.mark.parametrize("stratify", [False, True])
def test_masking_keeps_the_given_number_of_labels(y, stratify):
    y.flags.writeable = False
    for keep, n_kept in [(0.13, 13), (0, 0), (0.001, 1), (1.0, 100), (1, 1), (0.0, 0)]:
        partial = mask_labels(y, keep, stratify=stratify, random_state=0)
        kept = np.array([label != -1 for label in partial])
        assert kept.sum() == n_kept
        assert (partial[kept] == y[kept]).all()


def test_masking_what_is_masked_already():
    y = partial_labels()
    partial = mask_labels(y, 0.5, random_state=1)
    assert (partial >= 0).sum() == 15
    assert (partial[y == -1] == -1).all()
    assert mask_labels(y, 0.5).dtype == y.dtype


def test_smaller_subsets_lie_within_larger_ones():
    y = np.arange(200) % 5
    kept = [mask_labels(y, keep, random_state=7) >= 0 for keep in (0.02, 0.1, 0.5)]
    assert not (kept[0] & ~kept[1]).any()
    assert not (kept[1] & ~kept[2]).any()
    assert (kept[2] != (mask_labels(y, 0.5, random_state=8) >= 0)).any()


def test_stratified_subsets_have_every_class():
    y = np.repeat([0, 1, 2, 3], [180, 15, 4, 1])
    for seed in range(5):
        partial = mask_labels(y, 0.1, stratify=True, random_state=seed)
        counts = np.bincount(partial[partial >= 0], minlength=4)
        assert counts.sum() == 20
        assert (counts > 0).all()
        assert counts[0] >= 16
        few = mask_labels(y, 2, stratify=True, random_state=seed)
        assert (few >= 0).sum() == 2


def test_stratified_subsets_of_sets_have_every_class():
    y = np.repeat([0, 1, 2, 3], [180, 15, 4, 1])
    one_hot = np.eye(4, dtype=int)[y]
    several = one_hot | (np.arange(200) % 5 == 0)[:, None] * [1, 0, 0, 0]
    for sets in (one_hot, several):
        for seed in range(5):
            partial = mask_labels(sets, 0.1, stratify=True, random_state=seed)
            kept = (partial >= 0).all(axis=1)
            assert kept.sum() == 20
            assert sets[kept].any(axis=0).all()
            few = mask_labels(sets, 2, stratify=True, random_state=seed)
            assert (few >= 0).all(axis=1).sum() == 2
    assert (mask_labels(one_hot, 1.0, stratify=True) == one_hot).all()


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix])
def test_masking_several_labels(make):
    y = several_labels(n=300).clip(0)
    partial = mask_labels(make(y), 0.1, stratify=True, random_state=0)
    kept = (partial != -1).all(axis=1)
    assert kept.sum() == 30
    np.testing.assert_array_equal(partial[kept], y[kept])
    np.testing.assert_array_equal(partial[~kept], -1)
    np.testing.assert_allclose(y[kept].mean(axis=0), y.mean(axis=0), atol=0.03)
    assert (mask_labels(y, 30) != -1).all(axis=1).sum() == 30


@pytest.mark.parametrize(
    ("keep", "error", "message"),
    [
        (1.5, ValueError, "keep must be a fraction.*got 1.5"),
        (-1, ValueError, "keep must be a fraction.*got -1"),
        (4, ValueError, "from 0 to 3; got 4"),
        ("half", TypeError, "keep must be.*'half'"),
        (True, TypeError, "keep must be.*True"),
    ],
)
def test_bad_input_of_masking(keep, error, message):
    with pytest.raises(error, match=message):
        mask_labels([0, 1, 1], keep)
    with pytest.raises(ValueError, match="y has no labeled row"):
        mask_labels([-1, -1], 0.5)
    with pytest.raises(ValueError, match=r"y must hold labels.*got None"):
        mask_labels(None, keep)
    with pytest.raises(TypeError, match="stratify must be True or False; got 'x'"):
        mask_labels([0, 1, 1], 1, stratify="x")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_labels_become_minus_one(missing):
    y = np.array([0, 1, missing, 1, 0, missing], dtype=object)
    for form in (y, list(y), pd.Series(y)):
        partial = mask_labels(form, 1.0)
        assert partial.tolist() == [0, 1, -1, 1, 0, -1]
    words = pd.Series(["a", missing, "b"], dtype=object)
    assert mask_labels(words, 1.0).tolist() == ["a", -1, "b"]
    rows = np.array([[1.0, 0], [np.nan, np.nan], [0, 1]])
    np.testing.assert_array_equal(mask_labels(rows, 1.0), [[1, 0], [-1, -1], [0, 1]])


def test_signed_classes_raise():
    with pytest.raises(ValueError, match="y must not have 1 and -1"):
        mask_labels([1, -1, 1, -1], 0.5)
