"""Encode collections block by block, on several workers."""

from __future__ import annotations

import pickle
import sys
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from threading import Lock
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skhash._packed_columns import final_estimator
from skhash.distributed._one_thread import one_torch_thread
from skhash.utils._compat import cloudpickle

Block = NDArray[np.uint8] | tuple[NDArray[np.uint8], NDArray]

#: Blocks per Dask thread that are sent ahead.
_BLOCKS_AHEAD = 2
#: Blocks after which these threads are counted again, since workers come and go.
_BLOCKS_PER_COUNT = 16


def encode(hasher: Any, X: Any, *, n_jobs: int | None = None) -> Any:
    """Encode a collection in blocks with a fitted hasher.

    The hasher is sent to each worker once. A worker uses one thread of torch, and the
    codes are those of ``hasher.transform``, for every backend and number of workers.

    Parameters
    ----------
    hasher : estimator
        A fitted hasher, or a fitted pipeline that ends with one.
    X : dask array, DataFrame, Series or Bag, or an iterable of blocks
        What to encode:

        - an iterable of blocks: each is what ``hasher.transform`` takes, or a tuple
          (block, ids) with one id per sample;
        - a dask array, or a dask DataFrame of features or a Series of texts;
        - a dask Bag of samples (texts for example), or of tuples (sample, id).
    n_jobs : int, default=None
        Number of blocks that are encoded at a time, by :class:`joblib.Parallel`: in
        threads, unless :func:`joblib.parallel_config` names another backend. For blocks
        only.

    Returns
    -------
    codes : iterator, dask array, DataFrame or Bag
        Of blocks, an iterator over their codes in order, with ids over tuples
        (codes, ids). Blocks are read ahead. Else a collection that is not computed yet:
        of an array the array of the codes, of a frame a frame with the same index, of a
        Bag a Bag with one item per partition, codes or a tuple (codes, ids).

    Raises
    ------
    NotFittedError
        If the hasher is not fitted.
    TypeError
        If `X` is a matrix or a text, and not an iterable of blocks.

    See Also
    --------
    skhash.ShardedHammingNearestNeighbors.extend : Index blocks of codes.

    Notes
    -----
    With Dask, the blocks of a worker that is killed are encoded again by another one.
    Loky raises an error instead.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash import PCAHasher
    >>> from skhash.distributed import encode
    >>> X = np.random.default_rng(0).standard_normal((100, 8))
    >>> hasher = PCAHasher(4).fit(X)
    >>> blocks = ((X[i : i + 40], np.arange(100)[i : i + 40]) for i in (0, 40, 80))
    >>> [(codes.shape, ids[0].item()) for codes, ids in encode(hasher, blocks)]
    [((40, 4), 0), ((40, 4), 40), ((20, 4), 80)]
    """
    check_is_fitted(hasher)
    kind = _dask_kind(X)
    if kind == "array":
        return _encode_array(hasher, X)
    if kind == "frame":
        return _encode_frame(hasher, X)
    if kind == "bag":
        return X.map_partitions(_encode_partition, _as_delayed(hasher))
    if hasattr(X, "shape") or isinstance(X, str | bytes) or not hasattr(X, "__iter__"):
        raise TypeError(
            "X must be a dask collection or an iterable of blocks; got one of type "
            f"{type(X).__name__}. Give a list of blocks, [X] for a single one."
        )
    client = getattr(get_active_backend()[0], "client", None)
    if client is not None:
        return _encode_by_dask(client, hasher, X)
    return _encode_by_joblib(hasher, X, n_jobs)


def _transformed(hasher: Any, samples: Any) -> NDArray[np.uint8]:
    with one_torch_thread():
        return np.asarray(hasher.transform(samples))


def _encode_block(hasher: Any, block: Any) -> Block:
    """Return the codes of a block, and its ids if it has some."""
    if isinstance(hasher, PickledOnce):
        hasher = hasher.estimator()
    if not isinstance(block, tuple):
        return _transformed(hasher, block)
    samples, ids = block
    codes = _transformed(hasher, samples)
    if len(ids) != len(codes):
        raise ValueError(
            f"A block must have one id per sample; got {len(ids)} ids and "
            f"{len(codes)} samples."
        )
    return codes, np.asarray(ids)


# Blocks, by joblib


def _pickled(estimator: Any) -> NDArray[np.uint8]:
    """Pickle an estimator, by value where it has parts of a script or a notebook.

    Return an array: pickled in turn, its bytes are not copied, as those of `bytes` are.
    """
    text = cloudpickle.dumps(estimator, protocol=pickle.HIGHEST_PROTOCOL)
    return np.frombuffer(text, dtype=np.uint8)


class PickledOnce:
    """Pickle an estimator once, and unpickle it once per process.

    Pickled, it is an array of bytes, which loky writes to shared memory once.

    Parameters
    ----------
    estimator : estimator
        The estimator.
    """

    _lock = Lock()
    #: What this process has unpickled last.
    _latest: tuple[str, Any] = ("", None)

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        self._key = uuid.uuid4().hex
        self._bytes: NDArray[np.uint8] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Drop the estimator; its bytes remain."""
        if self._bytes is None:
            self._bytes = _pickled(self._estimator)
        return {"_estimator": None, "_key": self._key, "_bytes": self._bytes}

    def estimator(self) -> Any:
        """Return the estimator."""
        if self._estimator is None and self._bytes is not None:
            with PickledOnce._lock:
                if PickledOnce._latest[0] != self._key:
                    PickledOnce._latest = self._key, pickle.loads(self._bytes.data)
                self._estimator = PickledOnce._latest[1]
        return self._estimator


def _encode_by_joblib(
    hasher: Any, blocks: Iterable[Any], n_jobs: int | None
) -> Iterator[Block]:
    how: dict[str, Any] = {"n_jobs": n_jobs, "prefer": "threads"}
    try:
        parallel = Parallel(return_as="generator", **how)
    except ValueError:  # not supported by the backend
        parallel = Parallel(**how)
    pickled_hasher = PickledOnce(hasher)
    return iter(
        parallel(delayed(_encode_block)(pickled_hasher, block) for block in blocks)
    )


# Dask


def _encode_by_dask(client: Any, hasher: Any, blocks: Iterable[Any]) -> Iterator[Block]:
    """Encode blocks in order on a Dask cluster, few at a time.

    Without joblib, whose backend for Dask scatters large arguments: these are lost with
    the worker that holds them, and the blocks in a task are not. Nor is the hasher,
    which is the result of a task.
    """
    sent = client.submit(pickle.loads, _pickled(hasher), pure=False)
    waiting: deque[Any] = deque()
    try:
        for number, block in enumerate(blocks):
            waiting.append(client.submit(_encode_block, sent, block, pure=False))
            if number % _BLOCKS_PER_COUNT == 0:
                n_ahead = _BLOCKS_AHEAD * max(1, sum(client.ncores().values()))
            while len(waiting) > n_ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        client.cancel([*waiting, sent])


def _dask_kind(X: Any) -> str | None:
    """Return "array", "frame" or "bag" for a dask collection, else None."""
    classes = {
        "array": ("dask.array", ("Array",)),
        "bag": ("dask.bag", ("Bag",)),
        "frame": ("dask.dataframe", ("DataFrame", "Series")),
    }
    for kind, (module, names) in classes.items():
        loaded = sys.modules.get(module)  # without the module X is none
        if loaded and isinstance(X, tuple(getattr(loaded, name) for name in names)):
            return kind
    return None


def _as_delayed(hasher: Any) -> Any:
    """Return the hasher as a task of its own, which each worker fetches once."""
    import dask

    return dask.delayed(pickle.loads, pure=False)(_pickled(hasher))


def _columns(hasher: Any) -> list[str]:
    return final_estimator(hasher).get_feature_names_out().tolist()


def _encode_array(hasher: Any, X: Any) -> Any:
    if X.ndim == 2 and X.numblocks[1] > 1:
        X = X.rechunk({1: -1})
    columns: dict[str, Any] = {"chunks": (X.chunks[0], (len(_columns(hasher)),))}
    columns |= {"new_axis": 1} if X.ndim == 1 else {}
    return X.map_blocks(
        _encode_chunk,
        hasher=_as_delayed(hasher),
        dtype=np.uint8,
        meta=np.empty((0, 0), dtype=np.uint8),
        **columns,
    )


def _encode_chunk(samples: Any, hasher: Any) -> NDArray[np.uint8]:
    return _transformed(hasher, samples)


def _encode_frame(hasher: Any, X: Any) -> Any:
    import pandas as pd

    columns = _columns(hasher)
    meta = pd.DataFrame(np.empty((0, len(columns)), np.uint8), columns=columns)
    meta.index = X._meta.index
    how = {"columns": columns, "meta": meta}
    return X.map_partitions(_encode_part, _as_delayed(hasher), **how)


def _encode_part(part: Any, hasher: Any, columns: list[str]) -> Any:
    import pandas as pd

    codes = np.empty((0, len(columns)), dtype=np.uint8)
    if len(part):
        codes = _transformed(hasher, part)
    return pd.DataFrame(codes, index=part.index, columns=columns)


def _encode_partition(samples: Iterable[Any], hasher: Any) -> list[Block]:
    """Encode the items of a partition of a bag as one block; none if it is empty."""
    items = iter(samples)
    first = next(items, None)
    if first is None:
        return []
    given = list(chain([first], items))
    if not isinstance(first, tuple):
        return [_encode_block(hasher, given)]
    samples, ids = zip(*given)
    return [_encode_block(hasher, (list(samples), list(ids)))]
