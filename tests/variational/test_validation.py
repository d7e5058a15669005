"""Test the validation of parameters and data, and its messages."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from skorch.callbacks import EarlyStopping

from skhash.utils._labels import check_partial_labels
from skhash.variational._validation import (
    check_callbacks,
    check_chunk_classes,
    check_device,
    check_label_form,
    check_layer_sizes,
    check_non_negative,
    smallest_value,
)


@pytest.mark.parametrize("sizes", [(1,), (9, 3), (np.int64(5),)])
def test_layer_sizes(sizes):
    check_layer_sizes(sizes)


@pytest.mark.parametrize("sizes", [(), (0,), (-3,), (9, 1.5), (9, "8")])
def test_invalid_layer_sizes(sizes):
    with pytest.raises(
        ValueError, match="hidden_layer_sizes must be a tuple"
    ) as raised:
        check_layer_sizes(sizes)
    assert repr(sizes) in str(raised.value)


def test_callbacks():
    stop = EarlyStopping()
    assert check_callbacks(None) == []
    assert check_callbacks([stop, ("name", stop)]) == [stop, stop]
    assert check_callbacks((EarlyStopping,)) == [EarlyStopping]


@pytest.mark.parametrize("callbacks", [[print], [("p", print)], [int], [None]])
def test_invalid_callbacks(callbacks):
    with pytest.raises(TypeError, match="callbacks must be skorch callbacks"):
        check_callbacks(callbacks)


def test_device():
    assert check_device("cpu") == "cpu"
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert check_device("auto") == expected


@pytest.mark.parametrize("device", ["tpu9", "cuda:99", ""])
def test_invalid_device(device):
    with pytest.raises(ValueError, match="device must be 'auto' or name") as raised:
        check_device(device)
    assert f"got {device!r}" in str(raised.value)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_non_negative_samples(form):
    X = np.array([[0.0, 2.0], [3.0, 1.0]])
    check_non_negative(form(X), "Advice.")
    assert smallest_value(form(X)) == 0
    assert smallest_value(form(X + 1)) == 0
    assert smallest_value(form(np.zeros((0, 2)))) == 0
    X[1, 1] = -0.5
    assert smallest_value(form(X)) == -0.5
    with pytest.raises(ValueError, match=r"X must be non-negative .*-0\.5\. Advice\."):
        check_non_negative(form(X), "Advice.")


SINGLE = check_partial_labels([0, 1, -1], 3)
SETS = check_partial_labels(np.array([[1, 1], [0, 1], [-1, -1]]), 3)
NONE = check_partial_labels(None, 3)


def test_label_form():
    check_label_form(SINGLE, multilabel=False)
    check_label_form(SETS, multilabel=True)
    for multilabel in (False, True):
        check_label_form(NONE, multilabel=multilabel)
    with pytest.raises(ValueError, match="y must hold an indicator matrix"):
        check_label_form(SINGLE, multilabel=True)
    with pytest.raises(ValueError, match="y must hold one class per sample"):
        check_label_form(SETS, multilabel=False)


def test_chunk_classes():
    assert check_chunk_classes(NONE, None) is None
    assert check_chunk_classes(SINGLE, None).tolist() == [0, 1]
    assert check_chunk_classes(SINGLE, [5, 0, -1, 1]).tolist() == [0, 1, 5]
    assert check_chunk_classes(NONE, ["b", "a"]).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"classes must name .* got one class, 3"):
        check_chunk_classes(SINGLE, [3])
    one = check_partial_labels([3, -1, 3], 3)
    with pytest.raises(ValueError, match=r"classes must name .* got one class, 3"):
        check_chunk_classes(one, None)
    assert check_chunk_classes(one, [3, 4]).tolist() == [3, 4]
