"""Check the contract of all hashers beyond the checks of scikit-learn."""

import io
import random
from functools import partial

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from skhash.model_selection import mask_labels
from tests.common.estimators import HASHERS


def codes_of(hasher, X, output="bits"):
    return clone_fitted(hasher).set_params(output=output).transform(X)


def clone_fitted(hasher):
    """Return a copy of a fitted hasher that shares nothing with it."""
    memory = io.BytesIO()
    joblib.dump(hasher, memory)
    memory.seek(0)
    return joblib.load(memory)


@pytest.fixture(scope="module")
def rows(small_rows):
    # Sorted as after any conversion, since the order of a sum decides its rounding. An
    # odd number, so that a median is the value of one sample.
    return small_rows[0][:299].sorted_indices()


@pytest.fixture(scope="module")
def labels(small_rows):
    return mask_labels(small_rows[1][:299], 0.3, random_state=0)


@pytest.fixture(scope="module", params=HASHERS, ids=repr)
def hasher(request):
    """Return an unfitted hasher whose codes do not fill their bytes."""
    return clone(request.param).set_params(n_bits=11).set_params(**seed(request.param))


def seed(hasher):
    return {"random_state": 3} if "random_state" in hasher.get_params() else {}


@pytest.fixture(scope="module")
def fitted(hasher, rows, labels):
    return clone(hasher).fit(rows, labels)


# Codes


def test_bits(fitted, rows):
    bits = fitted.transform(rows)
    assert bits.shape == (rows.shape[0], 11)
    assert bits.dtype == np.uint8
    assert bits.flags.c_contiguous
    assert set(np.unique(bits)) == {0, 1}


def test_packed_codes_are_packed_bits(fitted, rows):
    bits = fitted.transform(rows)
    packed = codes_of(fitted, rows, "packed")
    assert packed.dtype == np.uint8
    assert packed.flags.c_contiguous
    assert_array_equal(packed, np.packbits(bits, axis=1))
    assert not (packed[:, -1] & 0b11111).any()


def test_packed_codes_in_blocks(fitted, rows, monkeypatch):
    whole = codes_of(fitted, rows, "packed"), fitted.transform(rows)
    monkeypatch.setattr("skhash.utils._rows.ROWS_PER_BLOCK", 7)
    blocks = codes_of(fitted, rows, "packed"), fitted.transform(rows)
    assert_array_equal(blocks[0], whole[0])
    assert_array_equal(blocks[1], whole[1])


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_matrix.toarray])
def test_row_by_row_as_in_one_batch(fitted, rows, form):
    X = form(rows)
    one_by_one = np.vstack(
        [fitted.transform(X[i : i + 1]) for i in range(0, X.shape[0], 3)]
    )
    assert_array_equal(one_by_one, fitted.transform(X)[::3])


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_matrix.toarray])
def test_signs_of_the_decision_function_are_the_code(fitted, rows, form, monkeypatch):
    values = fitted.decision_function(form(rows))
    assert values.shape == (rows.shape[0], 11)
    assert np.isfinite(values).all()
    assert_array_equal(values > 0, fitted.transform(rows))
    monkeypatch.setattr("skhash.utils._rows.ROWS_PER_BLOCK", 7)
    in_blocks = clone_fitted(fitted).set_params(output="packed").decision_function(rows)
    assert_array_equal(in_blocks > 0, values > 0)
    np.testing.assert_allclose(in_blocks, values, rtol=1e-5, atol=1e-6)


def test_any_order_of_rows(fitted, rows):
    order = np.random.RandomState(0).permutation(rows.shape[0])
    assert_array_equal(fitted.transform(rows[order]), fitted.transform(rows)[order])


def test_row_of_zeros(fitted, rows):
    X = sp.vstack([sp.csr_matrix((1, rows.shape[1])), rows[:5]], format="csr")
    for form in (X, X.toarray(), X[:1], X[:1].toarray()):
        assert_array_equal(fitted.transform(form)[0], fitted.transform(X)[0])


def test_fit_with_rows_of_zeros(hasher, rows, labels):
    X = sp.vstack([sp.csr_matrix((3, rows.shape[1])), rows[3:]], format="csr")
    bits = clone(hasher).fit_transform(X, labels)
    assert bits.shape == (rows.shape[0], 11)


def test_fit_transform(hasher, fitted, rows, labels):
    assert_array_equal(
        clone(hasher).fit_transform(rows, labels), fitted.transform(rows)
    )


# State outside of the hasher


def test_same_seed_same_codes(hasher, fitted, rows, labels):
    again = clone(hasher).fit(rows, labels)
    assert_array_equal(again.transform(rows), fitted.transform(rows))
    assert_array_equal(again.fit(rows, labels).transform(rows), fitted.transform(rows))


def test_generator_as_seed(hasher, rows, labels):
    if "random_state" not in hasher.get_params():
        return
    first, second = (
        clone(hasher)
        .set_params(random_state=np.random.RandomState(5))
        .fit_transform(rows, labels)
        for _ in range(2)
    )
    assert_array_equal(first, second)


def test_global_state_is_unchanged(hasher, rows, labels):
    def state():
        name, keys, *rest = np.random.get_state()  # noqa: NPY002
        return (
            name,
            keys.tolist(),
            rest,
            random.getstate(),
            torch.get_rng_state().tolist(),
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_grad_enabled(),
            sorted(np.geterr().items()),
        )

    before = state()
    clone(hasher).fit(rows, labels).transform(rows)
    assert state() == before


def test_input_is_unchanged(hasher, rows, labels):
    X, y = rows.copy(), labels.copy()
    clone(hasher).fit(X, y).transform(X)
    assert_array_equal(X.data, rows.data)
    assert_array_equal(X.indices, rows.indices)
    assert_array_equal(y, labels)
    dense = rows.toarray()
    clone(hasher).fit(dense, y).transform(dense)
    assert_array_equal(dense, rows.toarray())


# Forms of input


@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_matrix, sp.csc_array])
def test_sparse_forms_fit_the_same(hasher, fitted, rows, labels, form):
    again = clone(hasher).fit(form(rows), labels)
    assert_array_equal(again.transform(form(rows)), fitted.transform(rows))


@pytest.mark.parametrize(
    "form",
    [
        sp.csr_array,
        sp.csc_matrix,
        sp.coo_array,
        sp.csr_matrix.toarray,
        lambda X: np.asfortranarray(X.toarray()),
        lambda X: X.toarray().tolist(),
    ],
    ids=["csr_array", "csc", "coo", "dense", "fortran", "list"],
)
def test_forms_get_the_same_codes(fitted, rows, form):
    assert_array_equal(fitted.transform(form(rows)), fitted.transform(rows))


def test_values_in_parts_fit_the_same(hasher, fitted, rows, labels):
    parts = sp.csr_matrix(
        (
            np.repeat(rows.data / 2, 2),
            np.repeat(rows.indices, 2),
            2 * rows.indptr,
        ),
        shape=rows.shape,
    )
    again = clone(hasher).fit(parts, labels)
    assert_array_equal(again.transform(parts), fitted.transform(rows))
    assert parts.nnz == 2 * rows.nnz


def test_stored_zeros_fit_the_same(hasher, rows, labels):
    zeros = rows.copy()
    zeros.data[::3] = 0
    plain = zeros.copy()
    plain.eliminate_zeros()
    codes = clone(hasher).fit(plain, labels).transform(plain)
    again = clone(hasher).fit(zeros, labels)
    assert_array_equal(again.transform(zeros), codes)
    assert zeros.nnz == rows.nnz


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_width_of_the_index(hasher, fitted, rows, labels, index):
    X = sp.csr_array(
        (rows.data, rows.indices.astype(index), rows.indptr.astype(index)),
        shape=rows.shape,
    )
    assert_array_equal(
        clone(hasher).fit(X, labels).transform(X), fitted.transform(rows)
    )


def read_only(array, folder, name, *, mapped):
    if not mapped:
        array = array.copy()
        array.flags.writeable = False
        return array
    np.save(folder / name, array)
    return np.load(folder / f"{name}.npy", mmap_mode="r")


@pytest.mark.parametrize("mapped", [False, True], ids=["read-only", "mapped"])
def test_arrays_that_cannot_be_written(hasher, fitted, rows, labels, tmp_path, mapped):
    lock = partial(read_only, folder=tmp_path, mapped=mapped)
    y = lock(labels, name="y")
    sparse = sp.csr_matrix(
        tuple(lock(getattr(rows, p), name=p) for p in ("data", "indices", "indptr")),
        shape=rows.shape,
    )
    assert not sparse.data.flags.writeable
    again = clone(hasher).fit(sparse, y)
    assert_array_equal(again.transform(sparse), fitted.transform(rows))
    dense = lock(rows.toarray(), name="dense")
    writeable = rows.toarray()
    assert_array_equal(
        clone(hasher).fit(dense, y).transform(dense),
        clone(hasher).fit(writeable, labels).transform(writeable),
    )


# Labels


def test_no_label_at_all(hasher, rows):
    unlabeled = np.full(rows.shape[0], -1)
    if get_tags(hasher).target_tags.required:
        for y in (None, unlabeled):
            with pytest.raises(ValueError, match="y"):
                clone(hasher).fit(rows, y)
        return
    without = clone(hasher).fit(rows).transform(rows)
    assert_array_equal(clone(hasher).fit(rows, unlabeled).transform(rows), without)


def test_string_labels_fit_as_numbers(hasher, fitted, rows, labels):
    names = np.array(["arts", "biology", "cooking", -1], dtype=object)[labels]
    again = clone(hasher).fit(rows, names)
    assert_array_equal(again.transform(rows), fitted.transform(rows))
    assert again.score(rows, names) == pytest.approx(fitted.score(rows, labels))


def test_score(fitted, rows, labels):
    score = fitted.score(rows, labels)
    assert 0 < score <= 1
    labeled = labels != -1
    assert score == fitted.score(rows[labeled], labels[labeled])
    assert score == clone_fitted(fitted).set_params(output="packed").score(rows, labels)


@pytest.mark.parametrize("y", [None, "all -1"])
def test_score_without_labels(fitted, rows, y):
    y = None if y is None else np.full(rows.shape[0], -1)
    with pytest.raises(ValueError, match="no labeled row"):
        fitted.score(rows, y)


def test_score_with_too_few_labels(fitted, rows, labels):
    with pytest.raises(ValueError, match=f"{rows.shape[0]}.*got 5"):
        fitted.score(rows, np.arange(5) % 3)


# Copies and column names


def test_joblib_round_trip(fitted, rows, tmp_path):
    joblib.dump(fitted, tmp_path / "hasher.joblib")
    loaded = joblib.load(tmp_path / "hasher.joblib")
    assert_array_equal(loaded.transform(rows), fitted.transform(rows))
    assert repr(loaded) == repr(fitted)


def test_clone_and_set_params(fitted, rows, labels):
    other = clone(fitted)
    assert repr(other.get_params()) == repr(fitted.get_params())
    if get_tags(other).requires_fit:
        with pytest.raises(NotFittedError):
            other.transform(rows)
    else:
        assert_array_equal(other.transform(rows), fitted.transform(rows))
    other.set_params(n_bits=5)
    assert other.fit(rows, labels).transform(rows).shape[1] == 5


@pytest.mark.parametrize(("output", "n_columns"), [("bits", 11), ("packed", 2)])
def test_names_of_columns(fitted, rows, output, n_columns):
    hasher = clone_fitted(fitted).set_params(output=output)
    codes = hasher.transform(rows)
    prefix = type(fitted).__name__.lower()
    names = [f"{prefix}{i}" for i in range(n_columns)]
    assert hasher.get_feature_names_out().tolist() == names
    frame = hasher.set_output(transform="pandas").transform(rows)
    assert frame.columns.tolist() == names
    assert_array_equal(frame.to_numpy(), codes)
    assert set(frame.dtypes) == {np.dtype(np.uint8)}


# Invalid input


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("form", [sp.csr_matrix, np.asarray], ids=["sparse", "dense"])
def test_values_that_are_no_number(hasher, fitted, rows, labels, value, form):
    X = rows[:40].toarray()
    X[3, 5] = value
    for call in (
        lambda: clone(hasher).fit(form(X), labels[:40]),
        lambda: fitted.transform(form(X)),
        lambda: fitted.score(form(X), labels[:40]),
    ):
        with pytest.raises(ValueError, match="NaN" if np.isnan(value) else "infinity"):
            call()


def test_wrong_number_of_features(fitted, rows):
    n_features = rows.shape[1]
    with pytest.raises(
        ValueError, match=f"{n_features - 1} features.*expecting {n_features} features"
    ):
        fitted.transform(rows[:, 1:])


@pytest.mark.parametrize("value", [0, -8, 2.5, "8"])
def test_wrong_number_of_bits(hasher, rows, labels, value):
    with pytest.raises(ValueError, match=r"'n_bits' .* int in the range"):
        clone(hasher).set_params(n_bits=value).fit(rows, labels)


@pytest.mark.parametrize("value", ["bytes", None, True])
def test_wrong_output(hasher, rows, labels, value):
    with pytest.raises(ValueError, match=r"'output' .* among {.*'packed'"):
        clone(hasher).set_params(output=value).fit(rows, labels)


def test_query_before_fit(hasher, rows, labels):
    if not get_tags(hasher).requires_fit:
        assert_array_equal(
            clone(hasher).transform(rows), clone(hasher).fit(rows).transform(rows)
        )
        return
    for call in (
        lambda: clone(hasher).transform(rows),
        lambda: clone(hasher).score(rows, labels),
    ):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            call()
