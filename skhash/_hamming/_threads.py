"""Run calls that release the interpreter's lock on several threads."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from joblib import cpu_count

Result = TypeVar("Result")

#: More threads than processors do not help.
MOST_THREADS: int = cpu_count()


class _Helpers:
    """Threads that wait for a search to help with.

    They are kept: starting one took up to 2 ms on a virtual machine, as long as a query
    of 10 million codes takes, and :class:`joblib.Parallel` 2 to 12 ms. One future per
    call (:class:`concurrent.futures.ThreadPoolExecutor`) made that query 10 % slower
    than this.
    """

    def __init__(self) -> None:
        self._inbox: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._threads: list[Thread] = []

    def invite(self, work: Callable[[], object], n_helpers: int) -> None:
        """Make up to `n_helpers` threads call `work`, which must not raise.

        Fewer do where threads cannot be started or are busy; maybe none.
        """
        while len(self._threads) < n_helpers:
            thread = Thread(target=self._serve, name="skhash", daemon=True)
            try:
                thread.start()
            except (RuntimeError, MemoryError):  # "can't start new thread"
                break
            self._threads.append(thread)
        for _ in range(min(n_helpers, len(self._threads))):
            self._inbox.put(work)

    def _serve(self) -> None:
        while True:
            self._inbox.get()()


_helpers = cache(_Helpers)

# A forked process has none of its parent's threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)


def run(
    calls: Sequence[Callable[[], Result]], n_threads: int, stop: Callable[[], None]
) -> list[Result]:
    """Make calls on several threads.

    Parameters
    ----------
    calls : sequence of callable
        Called without arguments, each once.
    n_threads : int
        Number of threads, the calling one included.
    stop : callable
        Called when a call raises or the wait for others is interrupted; calls that
        still run should then end soon. They are not waited for.

    Returns
    -------
    results : list
        The results in the order of the calls.

    Raises
    ------
    BaseException
        What a call or a signal handler has raised.
    """
    n_helpers = min(n_threads, len(calls)) - 1
    if n_helpers <= 0:
        return [call() for call in calls]
    waiting = deque(enumerate(calls))
    finished: SimpleQueue[tuple[int, Result | None, BaseException | None]]
    finished = SimpleQueue()
    results: list = [None] * len(calls)

    def work() -> BaseException | None:
        while True:
            try:
                i, call = waiting.popleft()
            except IndexError:
                return None
            try:
                finished.put((i, call(), None))
            except BaseException as error:  # raised again by the calling thread
                finished.put((i, None, error))
                waiting.clear()
                stop()
                return error

    try:
        _helpers().invite(work, n_helpers)
        own_error = work()
        # A signal ends the helpers' calls too, and theirs may be the first to tell.
        if own_error is not None and not isinstance(own_error, InterruptedError):
            raise own_error
        for _ in calls:
            i, results[i], error = finished.get()
            if error is not None:
                raise error
    except BaseException:
        waiting.clear()
        stop()
        raise
    return results


def even_slices(n: int, n_slices: int, multiple: int) -> list[slice]:
    """Cut range(n) into at most `n_slices` slices that begin at multiples."""
    n_units = -(-n // multiple)
    n_slices = max(1, min(n_slices, n_units))
    edges = [i * n_units // n_slices * multiple for i in range(n_slices)] + [n]
    return [slice(a, b) for a, b in pairwise(edges) if a < b]
