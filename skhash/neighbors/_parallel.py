"""Run calls that release the GIL on threads."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise


def run(calls, n_threads):
    """Return the results of the calls, in their order.

    A pool of threads for each search, not :class:`joblib.Parallel`: that takes 2 to
    12 ms to start and to collect two calls, several times a search of 10 million
    codes; this takes 0.1 ms. What `n_jobs` means is still joblib's to say.
    """
    if n_threads == 1 or len(calls) == 1:
        return [call() for call in calls]
    with ThreadPoolExecutor(min(n_threads, len(calls))) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def even_slices(n, n_slices, multiple):
    """Cut range(n) into at most `n_slices` slices that begin at multiples."""
    n_units = -(-n // multiple)
    n_slices = max(1, min(n_slices, n_units))
    edges = [i * n_units // n_slices * multiple for i in range(n_slices)] + [n]
    return [slice(a, b) for a, b in pairwise(edges) if a < b]
