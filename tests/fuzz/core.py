"""List the functions of the core that are fuzzed."""

from skhash._hamming._mutex import Mutex
from skhash._hamming._search import simd_name, simd_names
from tests.fuzz import core_histogram, core_layout, core_merge, core_pairs, core_search
from tests.fuzz.source import Source


def mutex(source):
    """Run functions that return, raise or run others, alone and if it is free."""
    lock, ran = Mutex(), []

    def step(depth):
        ran.append(depth)
        if depth and source.flag():
            lock.run(step, depth - 1)
        if source.flag():
            raise KeyError(depth)
        return depth

    depth = source.integer(0, 5)
    run = lock.run_if_free if source.flag() else lock.run
    try:
        result = run(step, depth)
        assert result == (None if run == lock.run_if_free else depth)
    except KeyError:
        pass
    assert ran == list(range(depth, depth - len(ran), -1))
    assert lock.run(lambda: 1) == 1


def names(source):
    assert simd_name() in simd_names()
    assert source.choice(simd_names())


TARGETS = {
    "drop_self": core_merge.drop_self,
    "distinct": core_layout.distinct,
    "equal_codes": core_pairs.equal_codes,
    "join": core_pairs.join,
    "merge_nearest": core_merge.merge_nearest,
    "merge_within": core_merge.merge_within,
    "mutex": mutex,
    "names": names,
    "refused_histogram": core_histogram.refused_histogram,
    "refused_layout": core_layout.refused_layout,
    "refused_lists": core_layout.refused_lists,
    "refused_merge": core_merge.refused_merge,
    "refused_pairs": core_pairs.refused_pairs,
    "refused_search": core_search.refused_search,
    "search": core_search.search,
    "store_and_load": core_layout.store_and_load,
    "weighted": core_search.weighted,
    "weights_and_shared": core_histogram.weights_and_shared,
    "within_classes": core_histogram.within_classes,
}

#: Targets and bytes that once failed, in hexadecimal digits.
FOUND = [
    # The index of the last query, beyond the largest integer.
    ("refused_merge", "4eee4e3cd659e46726cc10177c7b4c"),
    # Bits behind the length, counted behind the histogram.
    ("refused_histogram", "00" * 2),
    # Codes without a row, which a search must not count as neighbors.
    ("search", "2ffd1a71071fa0a0a0a0a0fb2ffd1a71a0a075a000009eabea003f009eabea2e"),
]


def run_target(name, data):
    TARGETS[name](Source(data))


def run_one(data):
    """Run the target that the first byte names on the other bytes."""
    number = data[0] if data else 0
    run_target([*TARGETS][number % len(TARGETS)], data[1:])
