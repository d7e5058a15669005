"""Time alternative ways of computing the parts of a training step on a CPU.

The first layer is an embedding bag with dense or sparse gradients, a CSR product, a
dense product, or the bag of the package, whose gradient the optimizer computes. The
hidden layer and its dropout are those of torch or of the package. The decoder is
log_softmax with a dense target, or the blocks of the package. The optimizer is Adam of
torch, or that of the package, which also computes the lazy gradient.
"""

import time
import warnings
from statistics import median

import numpy as np
import scipy.sparse as sp
import torch
from torch.nn import functional as F

from skhash.variational.nn._dense_ops import Linear, drop_out
from skhash.variational.nn._losses import softmax_reconstruction
from skhash.variational.nn._rows import CSRRows
from skhash.variational.nn._sparse_layer import (
    LazyGradient,
    RowwiseAdam,
    sparse_product,
)


def draw_batch(n_rows, n_features, words_per_sample, rng):
    """Return samples of words whose frequencies follow Zipf's law."""
    frequencies = 1 / np.arange(1, n_features + 1) ** 0.8
    frequencies /= frequencies.sum()
    rows = [
        np.unique(rng.choice(n_features, words_per_sample, p=frequencies))
        for _ in range(n_rows)
    ]
    columns = np.concatenate(rows)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    values = rng.random(len(columns)).astype(np.float32)
    X = sp.csr_matrix((values, columns, offsets), shape=(n_rows, n_features))
    return X.multiply(1 / X.sum(axis=1)).tocsr().astype(np.float32)


class CSRProduct(torch.autograd.Function):
    """Compute X W by torch's CSR product, and its gradient by the transpose."""

    @staticmethod
    def forward(ctx, weight, X):
        ctx.X = X
        return as_torch_csr(X) @ weight

    @staticmethod
    def backward(ctx, grad):
        return as_torch_csr(ctx.X.T.tocsr()) @ grad, None


def as_torch_csr(X):
    """Return a SciPy matrix as a torch CSR tensor."""
    parts = map(torch.from_numpy, (X.indptr, X.indices, X.data))
    return torch.sparse_csr_tensor(*parts, size=X.shape, check_invariants=False)


def milliseconds(function, repeats=20):
    """Return the median time of a call."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


def first_layer_ways(X, weight):
    """Return functions that compute X W, by name."""
    rows = CSRRows.from_scipy(X)

    def bag(sparse):
        return F.embedding_bag(
            rows.columns,
            weight,
            rows.offsets,
            mode="sum",
            per_sample_weights=rows.values,
            sparse=sparse,
        )

    return {
        "embedding bag, lazy gradient": lambda: sparse_product(rows, weight),
        "embedding bag": lambda: bag(sparse=False),
        "embedding bag, sparse gradient": lambda: bag(sparse=True),
        "CSR product": lambda: CSRProduct.apply(weight, X),
        "dense product": lambda: torch.from_numpy(X.toarray()) @ weight,
    }


def hidden_ways(n_rows, n_hidden):
    """Return functions that compute hidden units, by part and name."""
    units = torch.randn(n_rows, n_hidden, requires_grad=True)
    layers = {"oneDNN": Linear, "torch": torch.nn.Linear}
    layers = {name: kind(n_hidden, n_hidden) for name, kind in layers.items()}
    return {
        "hidden": {
            name: lambda layer=layer: layer(units) for name, layer in layers.items()
        },
        "dropout": {
            "16 bits per value": lambda: drop_out(units, 0.5),
            "torch": lambda: F.dropout(units, 0.5),
        },
    }


def decoder_ways(X, n_bits):
    """Return functions that compute the loss of the decoder, by name."""
    codes = torch.randn(X.shape[0], n_bits, requires_grad=True)
    weight = torch.randn(n_bits, X.shape[1], requires_grad=True)
    bias = torch.zeros(X.shape[1], requires_grad=True)
    rows = CSRRows.from_scipy(X)

    def dense():
        log_likelihood = F.log_softmax(torch.addmm(bias, codes, weight), dim=1)
        return -(torch.from_numpy(X.toarray()) * log_likelihood).sum(dim=1).mean()

    return {
        "log_softmax, dense target": dense,
        "blocks of rows, sparse target": lambda: softmax_reconstruction(
            codes, weight, bias, rows
        ),
    }


def parts(path, arguments):
    """Return the table of milliseconds by part and way."""
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
    rng = np.random.default_rng(0)
    size = arguments.batch_rows, arguments.features, arguments.words
    X = draw_batch(*size, rng)
    weight = torch.randn(X.shape[1], arguments.hidden, requires_grad=True)
    grad = torch.randn(X.shape[0], arguments.hidden)
    # The weights have a lazy gradient once this optimizer has registered them.
    optimizer = RowwiseAdam([weight])
    ways = {"first layer": first_layer_ways(X, weight)}
    ways |= hidden_ways(X.shape[0], arguments.hidden)
    table = []
    for part, of_part in ways.items():
        for name, way in of_part.items():

            def step(way=way):
                optimizer.zero_grad()
                way().backward(grad)

            table.append([f"{part}: {name}", milliseconds(step)])
    for name, way in decoder_ways(X, arguments.bits).items():
        taken = milliseconds(lambda way=way: way().backward())
        table.append([f"decoder: {name}", taken])
    for name, step in adam_ways(X, weight, grad, optimizer):
        table.append([f"Adam: {name}", milliseconds(step)])
    return ["part", "ms"], [[name, f"{taken:.2f}"] for name, taken in table]


def adam_ways(X, weight, grad, optimizer):
    """Yield functions that step over the first layer, each with its name."""
    gradient = LazyGradient(CSRRows.from_scipy(X), grad)

    def step_rows():
        optimizer.add_lazy_grad(weight, gradient)
        optimizer.step()

    optimizer.zero_grad()
    yield "rows, with gradients", step_rows
    weight.grad = torch.randn_like(weight)
    yield "fused", torch.optim.Adam([weight], fused=True).step
    yield "one operation at a time", torch.optim.Adam([weight], fused=False).step
