"""Search an index in threads while others change it: for the thread sanitizer.

Writers add, remove and fit again; readers search by scan and by tables, with helper
threads of their own, in batches and by joins too; one thread pickles, one counts
distances. What is found is checked, so that this is a test without the sanitizer too.
"""

import argparse
import pickle
import threading

import numpy as np

from skhash._hamming import _histogram, _index, _parts, _threads
from skhash._hamming._multi_index import MultiIndex
from skhash.neighbors import HammingNearestNeighbors

N_ROWS, N_MORE = 3000, 70


def eager():
    """Make a small index use threads and tables."""
    _parts.THREAD_WORK = 0
    _threads.MOST_THREADS = 3
    _index.LEAST_REPEATED = 10**9
    MultiIndex.build_cost = 3000
    MultiIndex.is_cheaper_than_scan = lambda self, radius: self.n_codes > 0


class ChangingIndex:
    """An index whose first rows stay while others are added and removed."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.rows = rng.integers(0, 256, (N_ROWS, 8), dtype=np.uint8)
        self.more = rng.integers(0, 256, (N_MORE, 8), dtype=np.uint8)
        self.index = HammingNearestNeighbors(3, packed=True, n_jobs=3, max_memory=1e9)
        self.index.fit(self.rows, np.arange(N_ROWS))
        self.errors = []
        self.stop = threading.Event()

    def repeat(self, step):
        def run():
            rng = np.random.default_rng(threading.get_ident() % 2**32)
            try:
                while not self.stop.is_set():
                    step(rng)
            except BaseException as error:
                self.errors.append(error)
                self.stop.set()

        return threading.Thread(target=run)

    def add(self, rng):
        n = int(rng.integers(1, N_MORE))
        self.index.partial_fit(self.more[:n], np.arange(n))

    def remove(self, rng):
        n = self.index.n_samples_fit_
        if n > N_ROWS:  # no other thread makes the index shorter
            self.index.remove(np.arange(N_ROWS, n))
        if not rng.integers(0, 9):
            self.index.fit(self.rows, np.arange(N_ROWS))

    def search(self, rng):
        first = int(rng.integers(0, N_ROWS - 20))
        queries = self.rows[first : first + 20]
        distances, found = self.index.kneighbors(queries, 1)
        assert not distances.any()
        assert (found.ravel() == np.arange(first, first + 20)).all()
        for indices in self.index.radius_neighbors(queries, 2, return_distance=False):
            assert len(indices)

    def search_in_batches(self, rng):
        """By the bit-sliced kernels, by weights, and by joins."""
        queries = self.rows[:200]
        found = self.index.kneighbors(queries, 1, return_distance=False)
        assert (found.ravel() == np.arange(200)).all()
        weights = np.unpackbits(queries[:9], axis=1) * 2.0 - 1
        found = self.index.asymmetric_kneighbors(weights, 1, return_score=False)
        assert (found.ravel() == np.arange(9)).all()
        i, j, distances = self.index.radius_pairs(3)
        assert (i < j).all()
        assert (distances <= 3).all()
        i, j, distances = self.index.radius_pairs(1, self.rows[:50])
        assert set(zip(range(50), range(50))) <= set(zip(i.tolist(), j.tolist()))

    def copy(self, rng):
        other = pickle.loads(pickle.dumps(self.index))
        assert len(other.labels_) == other.n_samples_fit_ >= N_ROWS

    def count(self, rng):
        rows = self.rows[:500]
        planes, starts = _histogram.planes_of_codes(rows, np.zeros(500, dtype=int), 1)
        words = np.ascontiguousarray(planes[:, :9].T)
        counts, _ = _histogram.count_within_classes(
            planes, starts, words, np.zeros(9, dtype=int), 64
        )
        assert (counts.sum(axis=1) == 500).all()


def run(seconds, seed=0):
    index = ChangingIndex(seed)
    steps = [index.add, index.remove, index.copy, index.count]
    searches = [index.search, index.search, index.search_in_batches]
    threads = [index.repeat(step) for step in (*steps, *searches)]
    for thread in threads:
        thread.start()
    index.stop.wait(seconds)
    index.stop.set()
    for thread in threads:
        thread.join()
    for error in index.errors:
        raise error


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    eager()
    run(arguments.seconds)
    print("no wrong neighbor")


if __name__ == "__main__":
    main()
