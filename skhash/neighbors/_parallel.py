"""Run calls that release the GIL on threads."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

# More threads than this never help each other.
_MOST_THREADS = 64


@cache
def _helpers():
    """Return the threads that wait for a search to help with.

    They are kept: to start one took up to 2 ms on a virtual machine, as long as a
    query of 10 million codes takes, and :class:`joblib.Parallel` 2 to 12 ms. What
    `n_jobs` means is still joblib's to say.
    """
    return ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="skhash")


# A forked process has none of its parent's threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)


def run(calls, n_threads):
    """Return the results of the calls, in their order.

    The calling thread works too, with `n_threads` - 1 others.
    """
    n_helpers = min(n_threads, len(calls)) - 1
    if n_helpers <= 0:
        return [call() for call in calls]
    results = [None] * len(calls)
    waiting = deque(enumerate(calls))

    def work():
        while True:
            try:
                i, call = waiting.popleft()
            except IndexError:
                return
            results[i] = call()

    helpers = [_helpers().submit(work) for _ in range(min(n_helpers, _MOST_THREADS))]
    try:
        work()
    finally:
        # Nobody may go on writing results after this call is over.
        waiting.clear()
        for helper in helpers:
            helper.result()
    return results


def even_slices(n, n_slices, multiple):
    """Cut range(n) into at most `n_slices` slices that begin at multiples."""
    n_units = -(-n // multiple)
    n_slices = max(1, min(n_slices, n_units))
    edges = [i * n_units // n_slices * multiple for i in range(n_slices)] + [n]
    return [slice(a, b) for a, b in pairwise(edges) if a < b]
