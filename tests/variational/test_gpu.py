"""Compare training and encoding on a GPU with those on the CPU."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose

from skhash.model_selection import mask_labels
from skhash.variational import (
    BernoulliVAEHasher,
    PHSHasher,
    SSBVAEHasher,
    VDSHHasher,
)

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch sees no GPU"
)

HASHERS = [SSBVAEHasher, BernoulliVAEHasher, PHSHasher, VDSHHasher]


def hasher(cls=SSBVAEHasher, **kwargs):
    small = {
        "n_bits": 16,
        "hidden_layer_sizes": (64,),
        "batch_size": 64,
        "max_epochs": 6,
        "device": "cuda",
        "random_state": 0,
    }
    return cls(**(small | kwargs))


def labels(topics):
    return mask_labels(topics, 0.2, stratify=True, random_state=0)


def rows_of(small_rows, form):
    X = small_rows[0]
    return {
        "sparse": X,
        "dense": X.toarray(),
        "signed": X.toarray() - 0.1,
        "float32": X.astype(np.float32),
    }[form]


@pytest.mark.parametrize("form", ["sparse", "dense", "signed", "float32"])
@pytest.mark.parametrize("cls", HASHERS)
def test_codes_of_one_model_on_both_devices(small_rows, cls, form):
    X = rows_of(small_rows, form)
    y = None if cls is BernoulliVAEHasher else labels(small_rows[1])
    model = hasher(cls).fit(X, y)
    assert all(part.device.type == "cpu" for part in model.network_.parameters())
    on_gpu, likely = model.transform(X), model.encode_proba(X)
    on_cpu = model.set_params(device="cpu").transform(X)
    clear = np.abs(likely - 0.5) > 1e-4
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(on_gpu[clear], on_cpu[clear])
    assert_allclose(likely, model.encode_proba(X), atol=1e-4)


def test_what_is_learned_on_a_gpu_is_as_good(small_rows):
    X, topics = small_rows
    scores = [
        hasher(device=device).fit(X, labels(topics)).score(X, topics)
        for device in ("cpu", "cuda")
    ]
    assert min(scores) > 0.9


def test_classes_are_predicted_alike(small_rows):
    X, topics = small_rows
    model = hasher().fit(X, labels(topics))
    on_gpu = model.predict_proba(X)
    assert_allclose(on_gpu, model.set_params(device="cpu").predict_proba(X), atol=1e-4)


def test_training_goes_on(small_rows):
    """The network lies on the CPU in between, the optimizer does not."""
    X, topics = small_rows
    model = hasher(warm_start=True)
    for _ in range(2):
        model.partial_fit(X, topics)
    model.fit(X, labels(topics)).fit(X, labels(topics))
    assert model.n_iter_ == 14
    assert model.score(X, topics) > 0.9


def test_large_vocabulary(small_rows):
    X, topics = small_rows
    wide = sp.csr_matrix((X.data, X.indices, X.indptr), (300, 40_000))
    model = hasher().fit(wide, labels(topics))
    assert model.score(wide, topics) > 0.8
