"""Split samples into views: blocks of features that describe the same items."""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skhash.utils._scaling import (
    GlobalStandardScaler,
    NormScaler,
    ordinary_factor,
)
from skhash.utils._typing import Rows

# Non-negative features of which at most this fraction is not 0 are words.
_MAX_WORD_DENSITY = 0.5


def check_views(views: Sequence[int] | None, n_features: int) -> NDArray[np.intp]:
    """Return the first columns of all views, and the number of features.

    Parameters
    ----------
    views : sequence of int or None
        The number of features of each view; -1 once for what the others leave. None is
        one view.
    n_features : int
        Number of features.

    Returns
    -------
    bounds : ndarray of shape (n_views + 1,), int
        View v has the columns from ``bounds[v]`` to ``bounds[v + 1]``, excluded.

    Raises
    ------
    ValueError
        If the widths do not fit the number of features.
    """
    widths = [-1] if views is None else list(views)
    if not widths or not all(
        isinstance(width, Integral) and (width > 0 or width == -1) for width in widths
    ):
        raise ValueError(
            "views must be a sequence of the numbers of features of each view, each "
            f"at least 1, or -1 once for what the others leave; got {views!r}."
        )
    given = sum(width for width in widths if width != -1)
    n_open = widths.count(-1)
    rest = n_features - given
    if n_open > 1 or rest < n_open or (rest and not n_open):
        raise ValueError(
            "views must add up to the number of features of X, with at most one -1 "
            f"for what the others leave; got views={views!r} for {n_features} features."
        )
    return np.cumsum([0, *(rest if width == -1 else width for width in widths)])


def missing_as_zeros(X: Rows, bounds: NDArray[np.intp]) -> Rows:
    """Return samples with zeros in the views that are all NaN.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Samples; not changed.
    bounds : ndarray of shape (n_views + 1,), int
        The first column of each view, and the number of features.

    Raises
    ------
    ValueError
        If a view of a sample is NaN in part.
    """
    values = X.data if sp.issparse(X) else X
    if not np.isnan(values).any():
        return X
    X = X.copy()
    for first, last in pairwise(bounds):
        is_nan = np.isnan(
            X[:, first:last].toarray() if sp.issparse(X) else X[:, first:last]
        )
        partly = is_nan.any(axis=1) & ~is_nan.all(axis=1)
        if partly.any():
            raise ValueError(
                "X must have numbers in a view of a sample, or NaN in all features of "
                "the view if it is missing; got NaN in some features of the view of "
                f"columns {first} to {last - 1} in row {partly.argmax()}."
            )
    if sp.issparse(X):
        X.data[np.isnan(X.data)] = 0
        X.eliminate_zeros()
        return X
    X[np.isnan(X)] = 0
    return X


class ViewRows:
    """Scaled rows in several blocks, one per view.

    Supports what linear models need of rows: a shape, indexing by rows, and the product
    with weights of all columns.

    Parameters
    ----------
    blocks : sequence of {ndarray, CSR} of shape (n_rows, n_columns)
        CSR blocks are words. A dense block has a last column that is 1 where the sample
        has the view, and zeros where not.
    """

    def __init__(self, blocks: Sequence[Rows]):
        self.blocks = tuple(blocks)
        self.widths = [block.shape[1] for block in self.blocks]
        self.shape = (self.blocks[0].shape[0], sum(self.widths))

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def dtype(self) -> np.dtype:
        """The type of the values."""
        return self.blocks[0].dtype

    def __getitem__(self, rows: Any) -> "ViewRows":
        return ViewRows([block[rows] for block in self.blocks])

    def __matmul__(self, weights: NDArray) -> NDArray:
        parts = np.split(weights, np.cumsum(self.widths)[:-1])
        return sum(block @ part for block, part in zip(self.blocks, parts))

    def astype(self, dtype: Any, copy: bool = True) -> "ViewRows":
        """Return the rows with another type of values."""
        return ViewRows([block.astype(dtype, copy=copy) for block in self.blocks])

    def view(self, position: int) -> "ViewRows":
        """Return the rows of one view."""
        return ViewRows([self.blocks[position]])

    def present(self) -> NDArray[np.bool_]:
        """Return which rows have which views, (n_rows, n_views)."""
        return np.column_stack([has_view(block) for block in self.blocks])


def stacked(rows: Rows | ViewRows) -> Rows:
    """Return rows as one matrix: CSR if a view of several is, else as they are."""
    if not isinstance(rows, ViewRows):
        return rows
    if any(map(sp.issparse, rows.blocks)):
        return sp.hstack(rows.blocks, format="csr")
    return np.hstack(rows.blocks)


def views_of(rows: Rows | ViewRows) -> list[Rows | ViewRows]:
    """Return the rows of each view; the rows themselves if there is one."""
    if not isinstance(rows, ViewRows):
        return [rows]
    return [rows.view(position) for position in range(len(rows.blocks))]


def has_view(block: Rows) -> NDArray[np.bool_]:
    """Return which rows of a block of :class:`ViewRows` have the view."""
    if sp.issparse(block):
        return np.diff(block.indptr) > 0
    return block[:, -1] > 0


class ViewScaler:
    """Scale each view by itself, to rows of about the same length.

    A view is words if it is non-negative and at most half of its values are not 0: its
    rows get unit length, as by :class:`NormScaler`. Other views are centered and scaled
    as by :class:`GlobalStandardScaler`, with a mean square of the rows of 1. A row of
    zeros has no such view, and stays zero.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        The training samples.
    bounds : ndarray of shape (n_views + 1,), int
        The first column of each view, and the number of features.

    Attributes
    ----------
    is_words : list of bool
        For each view, whether it is words.
    """

    def __init__(self, X: Rows, bounds: NDArray[np.intp]):
        self.bounds = bounds
        self.factor = ordinary_factor(X)
        self.is_words = [_is_words(block) for block in self._split(X)]
        self.scalers = [
            NormScaler(block) if is_words else GlobalStandardScaler(_present(block))
            for block, is_words in zip(self._split(X), self.is_words)
        ]

    def _split(self, X: Rows) -> list[Rows]:
        return [X[:, first:last] for first, last in pairwise(self.bounds)]

    def rescale(self, X: Rows) -> Rows:
        """Return samples whose squares can be computed in single precision."""
        return X if self.factor == 1 else X * np.float64(self.factor)

    def scale(self, X: Rows) -> ViewRows:
        """Return rows of a mean square of 1 in each view."""
        return self._scaled(X, unit=True)

    def targets(self, X: Rows) -> ViewRows:
        """Return words that sum to 1, and features of a mean variance of 1."""
        return self._scaled(X, unit=False)

    def _scaled(self, X: Rows, *, unit: bool) -> ViewRows:
        blocks = []
        for block, scaler, is_words in zip(self._split(X), self.scalers, self.is_words):
            if is_words:
                block = sp.csr_array(block)
                block.eliminate_zeros()
                blocks.append(scaler.scale(block) if unit else scaler.targets(block))
                continue
            present = _is_present(block)[:, None]
            scaled = np.where(present, scaler.scale(block), np.float32(0))
            if unit:
                scaled /= np.sqrt(np.float32(scaled.shape[1]))
            blocks.append(np.hstack([scaled, present.astype(np.float32)]))
        return ViewRows(blocks)

    def mean_target(self, X: Rows) -> NDArray[np.float32]:
        """Return the decoder output, before its softmax, of the mean target."""
        return np.concatenate(
            [
                scaler.mean_target(sp.csr_array(block) if is_words else block)
                for block, scaler, is_words in zip(
                    self._split(X), self.scalers, self.is_words
                )
            ]
        )

    def weight_scale(self, n_features: int) -> float:
        """Return the standard deviation of initial weights of the first layer."""
        return 0.05

    def inverse(self, rows: NDArray) -> NDArray:
        """Return decoder outputs in the units of the samples, words as fractions."""
        return np.hstack(
            [
                scaler.inverse(block)
                for scaler, block in zip(self.scalers, self._split(rows))
            ]
        )


def _is_words(block: Rows) -> bool:
    values = block.data if sp.issparse(block) else block
    n_values = np.count_nonzero(values)
    size = block.shape[0] * block.shape[1]
    return bool(values.min(initial=0) >= 0 and n_values <= _MAX_WORD_DENSITY * size)


def _is_present(block: Rows) -> NDArray[np.bool_]:
    """Return which rows have a value other than 0."""
    if sp.issparse(block):
        return np.diff(sp.csr_array(block != 0).indptr) > 0
    return (block != 0).any(axis=1)


def _present(block: Rows) -> Rows:
    """Return the rows that have a value other than 0; all if none has."""
    present = _is_present(block)
    return block[present] if present.any() else block
