"""Find the packed codes among the output columns of an estimator."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from skhash.codes import unpack_bits


def final_estimator(estimator: Any) -> Any:
    """Return the part of a fitted estimator that makes its output.

    Parameters
    ----------
    estimator : estimator
        A fitted hasher, or a Pipeline or a search by scikit-learn around one.

    Returns
    -------
    last : estimator
        The last step that is not passed through, of the best estimator of a search;
        `estimator` itself if it has no steps.
    """
    if hasattr(estimator, "best_estimator_"):
        return final_estimator(estimator.best_estimator_)
    steps = [step for _, step in getattr(estimator, "steps", ())]
    steps = [step for step in steps if step not in (None, "passthrough")]
    return final_estimator(steps[-1]) if steps else estimator


def packed_columns(estimator: Any, n_columns: int) -> list[tuple[slice, int]]:
    """Find the packed codes in the output of a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        A fitted transformer: a hasher, or a Pipeline, ColumnTransformer, FeatureUnion
        or search by scikit-learn that contains some, nested in any way.
    n_columns : int
        Number of columns that its `transform` gives.

    Returns
    -------
    parts : list of (slice, int)
        For each packed code its columns and its number of bits, in ascending order.

    Raises
    ------
    ValueError
        If a FeatureUnion around a packed hasher has several other parts that do not
        tell how many columns they give.
    """
    parts = _packed_parts(estimator, 0, n_columns)
    return sorted(parts, key=lambda part: part[0].start)


def is_packed(estimator: Any, n_columns: int) -> bool:
    """Return whether all columns that a fitted estimator gives are packed codes.

    Packed codes side by side have the Hamming distances of their bits side by side,
    since padding bits are zero.

    Parameters
    ----------
    estimator : estimator
        A fitted transformer; see :func:`packed_columns`.
    n_columns : int
        Number of columns that its `transform` gives.

    Returns
    -------
    packed : bool
    """
    parts = packed_columns(estimator, n_columns)
    return sum(part.stop - part.start for part, _ in parts) == n_columns > 0


def unpack_columns(estimator: Any, codes: Any) -> Any:
    """Replace packed codes in the output of a fitted estimator by their bits.

    Parameters
    ----------
    estimator : estimator
        A fitted transformer; see :func:`packed_columns`.
    codes : {array-like, sparse matrix} of shape (n_samples, n_columns)
        What its `transform` gave.

    Returns
    -------
    codes : {array-like, sparse matrix} of shape (n_samples, n_columns_out)
        One column per bit in place of packed codes, without padding bits; other
        columns as they are. `codes` itself if nothing is packed.

    Raises
    ------
    TypeError, ValueError
        As :func:`packed_columns` and :func:`skhash.codes.unpack_bits`.
    """
    parts = packed_columns(estimator, codes.shape[1])
    if not parts:
        return codes
    codes = codes.toarray() if sp.issparse(codes) else np.asarray(codes)
    columns, end = [], 0
    for part, n_bits in parts:
        columns.append(codes[:, end : part.start])
        # Beside columns of floats the bytes have become floats.
        columns.append(unpack_bits(codes[:, part].astype(np.uint8), n_bits))
        end = part.stop
    return np.hstack([*columns, codes[:, end:]])


def _packed_parts(estimator: Any, start: int, stop: int) -> Iterator[tuple[slice, int]]:
    """Yield the packed codes of an estimator that gives the columns [start, stop)."""
    estimator = final_estimator(estimator)
    if hasattr(estimator, "output_indices_"):  # ColumnTransformer
        for name, step, _ in estimator.transformers_:
            part = estimator.output_indices_[name]
            yield from _packed_parts(step, start + part.start, start + part.stop)
    elif hasattr(estimator, "transformer_list"):  # FeatureUnion
        steps = [step for _, step in estimator.transformer_list if step != "drop"]
        if any(any(_packed_parts(step, 0, 1)) for step in steps):
            edges = start + np.cumsum([0, *_widths(steps, estimator, stop - start)])
            for step, (first, last) in zip(steps, pairwise(edges.tolist())):
                yield from _packed_parts(step, first, last)
    elif getattr(estimator, "output", None) == "packed":
        yield slice(start, stop), estimator.n_bits or estimator.n_features_in_


def _widths(steps: list[Any], union: Any, n_columns: int) -> list[int]:
    """Return the numbers of columns of the parts of a FeatureUnion."""
    widths = [_width(step, union) for step in steps]
    known = sum(width for width in widths if width is not None)
    if widths.count(None) > 1:
        raise ValueError(
            "The parts of a FeatureUnion around a packed hasher must have "
            "get_feature_names_out, all but one; got several that do not. Use "
            'output="bits" instead.'
        )
    return [n_columns - known if width is None else width for width in widths]


def _width(step: Any, union: Any) -> int | None:
    """Return the number of columns of a part of a FeatureUnion, None if unknown."""
    if step == "passthrough":
        return union.n_features_in_
    last = final_estimator(step)
    if hasattr(last, "_n_features_out"):
        return last._n_features_out
    if hasattr(last, "get_feature_names_out"):
        return len(last.get_feature_names_out())
    return None
