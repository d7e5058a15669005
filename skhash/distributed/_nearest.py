"""ShardedHammingNearestNeighbors: an index in shards, in memory or on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skhash.distributed._contents import ShardedContents, opened
from skhash.distributed._files import ShardFolder
from skhash.distributed._pairs import ShardedPairJoin
from skhash.distributed._updates import UpdateMixin, bits_of
from skhash.neighbors._asymmetric import AsymmetricKNeighborsMixin
from skhash.neighbors._base import MOST_CODES, PARAMETERS
from skhash.neighbors._pairs import RadiusPairsMixin
from skhash.utils._compat import Interval
from skhash.utils._docstrings import substitute


@substitute(**{name: PARAMETERS[name] for name in ("packed", "n_bits", "attributes")})
class ShardedHammingNearestNeighbors(
    UpdateMixin, AsymmetricKNeighborsMixin, RadiusPairsMixin
):
    """Search for the exact nearest neighbors of binary codes that are kept in shards.

    Searches like :class:`~skhash.HammingNearestNeighbors`: every shard is
    searched, and the results are merged by (distance, index). They do not depend on
    how codes are split. Shards are in memory, or are files of a folder that may be
    larger than memory.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbors in :meth:`kneighbors` by default.
    radius : int, default=2
        Largest distance in :meth:`radius_neighbors` by default, in bits, inclusive.
    {packed}
    {n_bits}
    path : str or path-like, default=None
        A folder for the shards, which `fit` makes or replaces. None: memory.
    shard_size : int, default=16_777_216
        The largest number of codes per shard. A search takes the memory of the shards
        that are searched at a time, and a file is written from memory.
    n_jobs : int, default=None
        Number of shards that are searched at a time, by :class:`joblib.Parallel`: in
        threads, unless :func:`joblib.parallel_config` names another backend, such as
        ``"loky"`` or ``"dask"``.

    Attributes
    ----------
    ids_ : ndarray of shape (n_samples_fit_,), int64, uint64 or str, or None
        The ids of the indexed codes, read anew each time.
    codes_ : ndarray of shape (n_samples_fit_, n_bits or n_bytes), uint8
        The indexed codes in the form that they were given in, read anew each time;
        :meth:`iter_codes` takes less memory.
    n_shards_ : int
        Number of shards.
    {attributes}

    See Also
    --------
    skhash.HammingNearestNeighbors : The index in one piece.
    skhash.distributed.encode : Codes of a collection larger than memory.

    Notes
    -----
    A shard is a file without code, in the format of :func:`skhash.io.save`; a file
    ``manifest.json`` lists the shards. Each change writes new files and then replaces
    the manifest, so that a crash at any point leaves the last complete state. One
    estimator at a time changes a folder; others have to open it again to see the
    change. What they have opened stays valid until then, except in processes that
    they start.

    Examples
    --------
    >>> import numpy as np
    >>> from skhash.distributed import ShardedHammingNearestNeighbors
    >>> codes = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 1, 1]])
    >>> index = ShardedHammingNearestNeighbors(n_neighbors=2, shard_size=3).fit(codes)
    >>> distances, indices = index.kneighbors([[1, 1, 1]])
    >>> distances, indices, index.n_shards_
    (array([[0, 1]], dtype=int32), array([[2, 1]]), 2)
    """

    _parameter_constraints: dict = {
        **{
            name: constraint
            for mixin in (AsymmetricKNeighborsMixin, RadiusPairsMixin)
            for name, constraint in mixin._parameter_constraints.items()
            if name not in ("algorithm", "max_memory", "copy")
        },
        "path": [str, os.PathLike, None],
        "shard_size": [Interval(Integral, 1, MOST_CODES, closed="both")],
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        radius: int = 2,
        packed: bool = False,
        n_bits: int | None = None,
        path: str | os.PathLike | None = None,
        shard_size: int = 1 << 24,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.packed = packed
        self.n_bits = n_bits
        self.path = path
        self.shard_size = shard_size
        self.n_jobs = n_jobs

    @classmethod
    def open(
        cls, path: str | os.PathLike, **parameters: Any
    ) -> ShardedHammingNearestNeighbors:
        """Open an index that another estimator has written.

        Parameters
        ----------
        path : str or path-like
            The folder.
        **parameters : object
            Parameters of the constructor, except `packed` and `n_bits`.

        Returns
        -------
        index : ShardedHammingNearestNeighbors

        Raises
        ------
        FileNotFoundError
            If there is no index.
        InvalidFileError
            If a file is damaged, a ValueError.
        """
        contents = opened(ShardFolder(path))
        manifest = contents.manifest
        parameters |= {"packed": manifest.packed, "n_bits": manifest.n_bits}
        index = cls(path=path, **parameters)
        index._validate_params()
        index._contents = contents
        return index

    # Contents -------------------------------------------------------------------------

    @property
    def n_shards_(self) -> int:
        """Number of shards."""
        return len(self._fitted("n_shards_").codes.shards)

    @property
    def ids_(self) -> NDArray | None:
        """Ids of the indexed codes."""
        ids = self._fitted("ids_").ids
        return None if ids is None else ids.values

    @property
    def codes_(self) -> NDArray[np.uint8]:
        """The indexed codes in the form that they were given in; a new array."""
        contents: ShardedContents = self._fitted("codes_")
        rows = contents.codes.rows()
        return rows if contents.packed else bits_of(rows, contents)

    def iter_codes(
        self, size: int = 1 << 16
    ) -> Iterator[NDArray[np.uint8] | tuple[NDArray[np.uint8], NDArray]]:
        """Yield the indexed codes in blocks, in order.

        Parameters
        ----------
        size : int, default=65_536
            Number of codes per block; the last may be smaller.

        Yields
        ------
        block : ndarray or tuple of ndarrays
            Codes in the form that they were given in; with ids a pair of codes and
            ids. What :meth:`extend` takes.
        """
        contents: ShardedContents = self._snapshot()._contents
        for first, rows in contents.codes.own_rows(size):
            codes = rows if contents.packed else bits_of(rows, contents)
            if contents.ids is None:
                yield codes
            else:
                yield codes, contents.ids.take(np.arange(first, first + len(rows)))

    # Search ---------------------------------------------------------------------------

    def _pair_join(
        self,
        radius: int | None,
        X: ArrayLike | None,
        mask: ArrayLike | None,
        indices: ArrayLike | None,
        ids: ArrayLike | None,
    ) -> tuple[Any, None]:
        limit = self._check_radius(radius)
        subset = self._check_subset(mask, indices, ids)
        members = None if subset is None else np.flatnonzero(subset)
        queries = None if X is None else self._check_queries(X)
        nothing = not (self.n_samples_fit_ if members is None else len(members))
        if nothing or (queries is not None and not len(queries)):
            return None, None
        codes: Any = self._index
        join = ShardedPairJoin(codes, queries, members, limit, self._n_threads())
        return join, None
