# cython: language_level=3
"""Let one thread at a time do something, whatever interrupts it."""

import os
from threading import RLock


cdef class Mutex:
    """Run functions one at a time.

    What a ``with`` statement does with a lock, except that

    - no signal handler and no trace function can raise between taking the lock and the
      function, or between the function and giving the lock back: the lock is never left
      locked;
    - a forked process, which inherits locks that threads of its parent held, begins
      with a free one;
    - it can be pickled and copied, as a free one.

    A function may call `run` again.
    """

    cdef object lock
    cdef object process

    def __init__(self):
        self.renew()

    cdef renew(self):
        self.lock = RLock()
        self.process = os.getpid()

    cdef current(self):
        if self.process != os.getpid():
            self.renew()
        return self.lock

    def run(self, function, *arguments):
        """Return what the function returns, once no other thread is in `run`."""
        lock = self.current()
        lock.acquire()
        try:
            return function(*arguments)
        finally:
            lock.release()

    def run_if_free(self, function, *arguments):
        """Call the function, unless another thread is in `run` or `run_if_free`."""
        lock = self.current()
        if lock.acquire(False):
            try:
                function(*arguments)
            finally:
                lock.release()

    def __reduce__(self):
        return Mutex, ()
