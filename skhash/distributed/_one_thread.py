"""Let torch use one thread for a while."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_n_inside = 0
_n_before = 1


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Run a block with one thread of torch, as one of several workers.

    The number of threads is a setting of the process. Several threads may be in such
    blocks at once: the number is the earlier one again when the last has left.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    global _n_inside, _n_before
    with _lock:
        # Also if it is known: the first call in a thread sets the thread's number.
        n_threads = torch.get_num_threads()
        if not _n_inside:
            _n_before = n_threads
        _n_inside += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            # Also where others are inside: a thread keeps the number that it sets.
            torch.set_num_threads(_n_before)
