"""Run a function in a fresh process; measure time and memory."""

import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def in_fresh_process(function, *args, **kwargs):
    """Call a module-level function in a new interpreter and return its result.

    The process is spawned, not forked, so that its peak memory includes nothing of
    what ran before.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


class Watch:
    """Measure the time and the peak memory of a ``with`` block.

    Attributes
    ----------
    seconds : float
        Wall time.
    cpu_seconds : float
        CPU time of all threads of this process.
    megabytes : float
        Largest resident memory inside the block minus that before it, in MB of
        10^6 bytes. Exact on Linux; elsewhere a lower bound, because only the peak
        since the start of the process is known.
    """

    def __enter__(self):
        _reset_peak()
        self._before = _memory("VmRSS")
        self._cpu = time.process_time()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *exception):
        self.seconds = time.perf_counter() - self._start
        self.cpu_seconds = time.process_time() - self._cpu
        self.megabytes = max(0.0, _memory("VmHWM") - self._before) / 1e6


def resident_bytes():
    """Return the resident memory of this process in bytes."""
    return _memory("VmRSS")


def _reset_peak():
    """Reset the kernel's record of the peak memory, where that is possible."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def _memory(field):
    try:
        line = next(x for x in _STATUS.read_text().splitlines() if x.startswith(field))
        return 1024 * int(line.split()[1])
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
