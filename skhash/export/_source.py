"""Read the codes and ids that are exported."""

import importlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skhash.codes import check_bits, check_packed
from skhash.neighbors import HammingNearestNeighbors

#: Texts of docstrings that the exports share.
TEXTS = {
    "index": """
        index : HammingNearestNeighbors or array-like of shape (n_samples, n_bytes)
            A fitted index, or packed codes, uint8, in the order of
            :func:`numpy.packbits`.""",
    "ids": """
        ids : array-like of shape (n_samples,), int or str, default=None
            Unique identifiers of the codes. If None, those of the index where it has
            some, else the positions.""",
    "n_bits": """
        n_bits : int, default=None
            Length of packed codes that are given as an array; ``8 * n_bytes`` if
            None.""",
}


class Source:
    """The codes, distinct codes and ids of an export.

    Parameters
    ----------
    index : HammingNearestNeighbors or array-like of shape (n_samples, n_bytes)
        Codes.
    ids : array-like of shape (n_samples,) or None
        Identifiers.
    n_bits : int or None
        Length of codes given as an array.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_bytes), uint8
        Packed codes; the padding bits of the last byte are zero.
    ids : ndarray of shape (n_samples,), int64 or str
        Identifiers.
    n_bits : int
        Length of the codes.
    n_stored_bits : int
        ``8 * n_bytes``: engines get whole bytes. Padding bits are equal everywhere,
        and change no distance.
    """

    def __init__(self, index: Any, ids: ArrayLike | None, n_bits: int | None):
        self.takes_packed = True
        if isinstance(index, HammingNearestNeighbors):
            check_is_fitted(index)
            if n_bits is not None and n_bits != index.n_bits_:
                raise ValueError(
                    f"n_bits must be None or {index.n_bits_}, that of the index; got "
                    f"{n_bits}."
                )
            self.n_bits = index.n_bits_
            self.codes = index._index.rows()
            self.takes_packed = index.packed
            if ids is None:
                ids = getattr(index, "ids_", None)
        else:
            self.codes = check_packed(index, n_bits=n_bits, name="index")
            self.n_bits = 8 * self.codes.shape[1] if n_bits is None else n_bits
        self.n_stored_bits = 8 * self.codes.shape[1]
        self.ids = _check_ids(ids, len(self.codes))

    def packed(self, queries: ArrayLike) -> NDArray[np.uint8]:
        """Return queries, in the form that the index takes, as packed codes."""
        if self.takes_packed:
            return check_packed(queries, n_bits=self.n_bits, name="queries")
        bits = check_bits(queries, n_bits=self.n_bits, name="queries")
        return np.packbits(bits, axis=1)

    @property
    def keys(self) -> NDArray[np.int64]:
        """The ids where they are integers, else the positions."""
        if self.ids.dtype.kind == "U":
            return np.arange(len(self.ids))
        return self.ids

    def positions(self, ids: NDArray) -> NDArray[np.intp]:
        """Return the positions of ids; -1 for unknown ids."""
        order = np.argsort(self.ids)
        places = np.searchsorted(self.ids, ids, sorter=order)
        positions = order[np.minimum(places, len(order) - 1)]
        return np.where(self.ids[positions] == ids, positions, -1)


def _check_ids(ids: ArrayLike | None, n_samples: int) -> NDArray:
    if ids is None:
        return np.arange(n_samples)
    checked = np.asarray(ids)
    if checked.dtype.kind == "O" and all(isinstance(each, str) for each in checked):
        checked = checked.astype(str)
    if checked.shape != (n_samples,) or checked.dtype.kind not in "iuU":
        raise ValueError(
            f"ids must be {n_samples} integers or strings, one per code; got dtype "
            f"{checked.dtype} and shape {checked.shape}."
        )
    if len(np.unique(checked)) < n_samples:
        raise ValueError("ids must be unique; some occur twice.")
    if checked.dtype.kind == "U":
        return checked
    if checked.min(initial=0) < 0 or checked.max(initial=0) >= 2**63:
        raise ValueError("ids must be at least 0 and less than 2**63.")
    return checked.astype(np.int64)


class DistinctCodes:
    """Each distinct code once, with the positions of its samples.

    Graph indexes connect a node with its nearest ones. Where many codes are equal,
    these are the copies of the node itself: copies form islands that a search does not
    leave or does not reach.

    Parameters
    ----------
    codes : ndarray of shape (n_samples, n_bytes), uint8
        Packed codes.

    Attributes
    ----------
    codes : ndarray of shape (n_distinct, n_bytes), uint8
        The distinct codes.
    numbers : ndarray of shape (n_samples,), intp
        For each sample the number of its code.
    """

    def __init__(self, codes: NDArray[np.uint8]):
        rows = np.ascontiguousarray(codes).view(f"V{codes.shape[1]}").ravel()
        _, first, numbers, counts = np.unique(
            rows, return_index=True, return_inverse=True, return_counts=True
        )
        self.codes = codes[first]
        self.numbers = numbers.ravel()
        self._samples = np.argsort(self.numbers, kind="stable")
        self._ends = np.cumsum(counts)
        self._begins = self._ends - counts

    def nearest_samples(
        self, distances: NDArray, numbers: NDArray, n_neighbors: int
    ) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Return the nearest samples, given the nearest distinct codes.

        Parameters
        ----------
        distances, numbers : ndarray of shape (n_queries, n_neighbors)
            Distances and numbers of codes; a number of -1 where there is none.
        n_neighbors : int
            Number of samples per query.

        Returns
        -------
        distances, positions : ndarray of shape (n_queries, n_neighbors)
            By (distance, position); -1 where there is none.
        """
        shape = len(numbers), n_neighbors
        nearest = np.full(shape, -1, dtype=np.int32)
        positions = np.full(shape, -1, dtype=np.intp)
        for i, (found, far) in enumerate(zip(numbers, distances)):
            found, far = found[found >= 0], far[found >= 0]
            samples = [self._samples[self._begins[c] : self._ends[c]] for c in found]
            if not samples:
                continue
            repeated = np.repeat(far, [len(each) for each in samples])
            joined = np.concatenate(samples)
            order = np.lexsort((joined, repeated))[:n_neighbors]
            nearest[i, : len(order)] = repeated[order]
            positions[i, : len(order)] = joined[order]
        return nearest, positions


def imported(module: str, package: str | None = None) -> Any:
    """Import an optional library, or say how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"This export needs {package or module}: pip install 'scikit-hash[export]'."
        ) from error


def padded(
    results: Iterable[tuple[Any, Any]], n_neighbors: int
) -> tuple[NDArray[np.int32], list[list[Any]]]:
    """Return (keys, distances) per query with -1 and None where there are too few."""
    distances, keys = [], []
    for found, far in results:
        missing = n_neighbors - len(found)
        distances.append([*far, *[-1] * missing])
        keys.append([*found, *[None] * missing])
    return np.array(distances, dtype=np.int32).reshape(-1, n_neighbors), keys


def keys_of(
    distances: NDArray, ids: list[list[Any]], source: Source
) -> tuple[NDArray, NDArray]:
    """Return distances and keys, given ids; None becomes -1."""
    if source.ids.dtype.kind == "U":
        found = np.array([["" if i is None else i for i in row] for row in ids], str)
        keys = source.positions(found)
        keys[distances < 0] = -1
        return distances, keys
    return distances, np.array([[-1 if i is None else i for i in row] for row in ids])


def checked_name(name: Any, parameter: str) -> str:
    """Return the name of a table if it needs no quotes."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(
            f"{parameter} must be a name of letters, digits and underscores; got "
            f"{name!r}."
        )
    return name
