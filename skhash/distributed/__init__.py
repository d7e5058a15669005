"""Encode and search collections that outgrow memory or one machine.

Work is divided by joblib, so that threads, processes, Dask, Ray and Spark can do it:
choose one by :func:`joblib.parallel_config`. The extra ``distributed`` installs Dask.
"""

from skhash.distributed._encode import encode
from skhash.distributed._nearest import ShardedHammingNearestNeighbors

__all__ = ["ShardedHammingNearestNeighbors", "encode"]
