"""Run a function in a fresh process, and watch its time and memory."""

import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def in_fresh_process(function, *args, **kwargs):
    """Call a function of a module in a new interpreter; return what it returns.

    Spawned, not forked: the peak memory of the process is that of the function and of
    what it imports, whatever was done before.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


class Watch:
    """Context manager: wall seconds, and peak memory above that at the start.

    Attributes
    ----------
    seconds : float
    cpu_seconds : float
        Of all threads of this process.
    megabytes : float
        The largest resident memory inside the block, less that before it, in MB of
        10^6 bytes. On Linux exact; elsewhere a lower bound, since only the peak since
        the start of the process is known.
    """

    def __enter__(self):
        _forget_peak()
        self._before = _memory("VmRSS")
        self._cpu = time.process_time()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *exception):
        self.seconds = time.perf_counter() - self._start
        self.cpu_seconds = time.process_time() - self._cpu
        self.megabytes = max(0.0, _memory("VmHWM") - self._before) / 1e6


def _forget_peak():
    """Start the kernel's high-water mark anew, where it can be."""
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


def print_table(header, rows):
    """Print rows of strings in aligned columns, the first to the left."""
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    for line in [header, ["-" * width for width in widths], *rows]:
        first, *others = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths))
        )
        print("  ".join([first, *others]).rstrip(), flush=True)
