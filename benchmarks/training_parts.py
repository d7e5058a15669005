"""Which way of computing the parts of a training step is the fastest on a CPU.

    python benchmarks/training_parts.py --rows 512 --features 10000 --hidden 500

Times one batch of sparse rows, forward and backward, through the first layer (embedding
bag with dense or sparse gradients, CSR product, dense product, or the package's bag, of
which the gradient is made by the step), through a hidden layer and its dropout (torch's
or the package's) and through the decoder (log_softmax against a dense target, or the
package's blocks), and one step over the first layer: of torch's Adam, or row by row
with the gradients that it makes. Prints the median milliseconds of 20 runs each.
docs/training.md quotes the outcome.
"""

import argparse
import time
import warnings
from statistics import median

import numpy as np
import scipy.sparse as sp
import torch
from torch.nn import functional as F

from skhash.variational.nn._batches import CSRRows
from skhash.variational.nn._losses import softmax_reconstruction
from skhash.variational.nn._networks import drop_out
from skhash.variational.nn._sparse_layer import (
    LazyGradient,
    Linear,
    sparse_product,
    take_lazy_grad,
)
from skhash.variational.optimizer import RowwiseAdam


def draw_batch(n_rows, n_features, words_per_row, rng):
    """Return rows of words whose frequencies follow Zipf's law."""
    frequencies = 1 / np.arange(1, n_features + 1) ** 0.8
    frequencies /= frequencies.sum()
    rows = [
        np.unique(rng.choice(n_features, words_per_row, p=frequencies))
        for _ in range(n_rows)
    ]
    columns = np.concatenate(rows)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    values = rng.random(len(columns)).astype(np.float32)
    X = sp.csr_matrix((values, columns, offsets), shape=(n_rows, n_features))
    return X.multiply(1 / X.sum(axis=1)).tocsr().astype(np.float32)


class CSRProduct(torch.autograd.Function):
    """X W by torch's CSR product, its gradient by that of the transpose."""

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
    """Return name -> function of no arguments that gives X W."""
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
        "embedding bag, gradient to come": lambda: sparse_product(rows, weight),
        "embedding bag": lambda: bag(sparse=False),
        "embedding bag, sparse gradient": lambda: bag(sparse=True),
        "CSR product": lambda: CSRProduct.apply(weight, X),
        "dense product": lambda: torch.from_numpy(X.toarray()) @ weight,
    }


def hidden_ways(n_rows, n_hidden):
    """Return part -> name -> function of no arguments that gives hidden units."""
    units = torch.randn(n_rows, n_hidden, requires_grad=True)
    layers = {"oneDNN": Linear, "torch": torch.nn.Linear}
    layers = {name: kind(n_hidden, n_hidden) for name, kind in layers.items()}
    return {
        "hidden": {
            name: lambda layer=layer: layer(units) for name, layer in layers.items()
        },
        "dropout": {
            "16 bits a value": lambda: drop_out(units, 0.5),
            "torch": lambda: F.dropout(units, 0.5),
        },
    }


def decoder_ways(X, n_bits):
    """Return name -> function of no arguments that gives the loss of the decoder."""
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


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--features", type=int, default=10_000)
    parser.add_argument("--words", type=int, default=90, help="words drawn for a row")
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--bits", type=int, default=32)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support")

    rng = np.random.default_rng(0)
    X = draw_batch(arguments.rows, arguments.features, arguments.words, rng)
    print(
        f"{X.shape[0]} x {X.shape[1]}, {X.nnz / X.shape[0]:.0f} words a row, ", end=""
    )
    print(f"{torch.get_num_threads()} threads; milliseconds, forward and backward")

    weight = torch.randn(X.shape[1], arguments.hidden, requires_grad=True)
    grad = torch.randn(X.shape[0], arguments.hidden)
    parts = {"first layer": first_layer_ways(X, weight)}
    parts |= hidden_ways(X.shape[0], arguments.hidden)
    for part, ways in parts.items():
        for name, way in ways.items():

            def step(way=way):
                weight.grad = None
                take_lazy_grad(weight)
                way().backward(grad)

            print(f"{part:<13}{name:<34}{milliseconds(step):8.2f}")
    for name, way in decoder_ways(X, arguments.bits).items():
        taken = milliseconds(lambda way=way: way().backward())
        print(f"decoder      {name:<34}{taken:8.2f}")
    optimizer, rows = RowwiseAdam([weight]), CSRRows.from_scipy(X)

    def step_rows():
        weight.lazy_grad = LazyGradient(rows, grad)
        optimizer.step()

    weight.grad = None
    print(f"Adam         {'rows, with gradients':<34}{milliseconds(step_rows):8.2f}")
    weight.grad = torch.randn_like(weight)
    for name, fused in (("fused", True), ("one operation at a time", False)):
        adam = torch.optim.Adam([weight], fused=fused)
        print(f"Adam         {name:<34}{milliseconds(adam.step):8.2f}")


if __name__ == "__main__":
    main()
