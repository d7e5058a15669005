"""Draw structured input from the bytes that a fuzzer varies."""

import numpy as np


class Source:
    """A stream of numbers, sizes and arrays that follow from some bytes.

    Where the bytes end, zeros follow: every draw is then the first of its choices.
    """

    def __init__(self, data):
        self._data = data
        self._position = 0

    def bytes(self, n):
        taken = self._data[self._position : self._position + n]
        self._position += n
        return taken.ljust(n, b"\0")

    def integer(self, low, high):
        """Return an integer from low to high, both inclusive."""
        span = high - low + 1
        n_bytes = (span.bit_length() + 7) // 8
        return low + int.from_bytes(self.bytes(n_bytes), "little") % span

    def choice(self, options):
        return options[self.integer(0, len(options) - 1)]

    def flag(self):
        return bool(self.bytes(1)[0] & 1)

    def size(self, *edges, most):
        """Return one of the edges as often as any number up to `most`."""
        return self.choice(edges) if self.flag() else self.integer(0, most)

    def generator(self):
        return np.random.default_rng(self.integer(0, 65535))

    def rows(self, n, n_bytes):
        """Return n packed codes: equal, given, random, repeated or near."""
        kind = self.choice(["zeros", "ones", "given", "random", "repeated", "near"])
        if kind in ("zeros", "ones"):
            return np.full((n, n_bytes), 255 * (kind == "ones"), dtype=np.uint8)
        if kind == "given":
            given = self.bytes(min(n * n_bytes, 64)) or b"\0"
            return np.resize(np.frombuffer(given, dtype=np.uint8), (n, n_bytes))
        rng = self.generator()
        if kind == "random":
            return rng.integers(0, 256, (n, n_bytes), dtype=np.uint8)
        few = rng.integers(0, 256, (1 + self.integer(0, 5), n_bytes), dtype=np.uint8)
        rows = few[rng.integers(0, len(few), n)]
        if kind == "near":
            flipped = rng.integers(0, 256, (n, n_bytes), dtype=np.uint8)
            rows ^= flipped & rng.integers(0, 2, (n, n_bytes), dtype=np.uint8)
        return rows

    def queries(self, n, rows):
        """Return n queries: some of the rows, or others."""
        if not len(rows) or self.flag():
            return self.rows(n, rows.shape[1])
        return rows[self.generator().integers(0, len(rows), n)]


def check_equal(got, want):
    """Compare arrays; numpy.testing takes thirty times as long for small ones."""
    assert np.array_equal(got, want), (got, want)


def words_of(rows):
    """Return packed codes as words of 64 bits, padded by zeros."""
    words = np.zeros((len(rows), -(-rows.shape[1] // 8)), dtype=np.uint64)
    words.view(np.uint8)[:, : rows.shape[1]] = rows
    return words


def distance_matrix(queries, rows):
    differing = np.bitwise_count(words_of(queries)[:, None] ^ words_of(rows)[None])
    return differing.sum(axis=2, dtype=np.uint16)  # sorted by radix


def sorted_hits(distances, allowed):
    """Return queries, distances and columns of what is allowed, sorted by all three.

    Sorting lists of pairs took most of a run.
    """
    columns = np.argsort(distances, axis=1, kind="stable")
    queries, ranks = np.nonzero(np.take_along_axis(allowed, columns, axis=1))
    columns = columns[queries, ranks]
    return queries, distances[queries, columns], columns
