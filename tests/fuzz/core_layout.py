"""Check the layout of codes and the numbers of distinct codes on drawn input."""

from contextlib import suppress

import numpy as np

from skhash._hamming import _layout
from tests.fuzz.core_search import REFUSALS, WIDTHS, planes_of
from tests.fuzz.source import check_equal


def store_and_load(source):
    n_bytes = source.choice(WIDTHS)
    n, start = (source.size(0, 1, 63, 64, 65, most=200) for _ in range(2))
    rows = source.rows(n, n_bytes)
    if source.flag():
        rows = np.asfortranarray(rows[::-1])
    room = source.size(0, n + start, -(-(n + start) // 64) * 64, most=400)
    before = source.rows(-(-room // 64) * 64, n_bytes)
    planes = planes_of(before)
    if n + start > len(before):
        with_error(_layout.store_rows, rows, planes, start)
        check_equal(planes, planes_of(before))
        return
    _layout.store_rows(rows, planes, start)
    before[start : start + n] = rows
    check_equal(planes, planes_of(before))
    positions = source.generator().integers(
        0, max(1, len(before)), source.size(0, most=9)
    )
    if len(before):
        loaded = np.empty((len(positions), n_bytes), dtype=np.uint8)
        _layout.load_rows(planes, positions, loaded)
        check_equal(loaded, before[positions])


def refused_layout(source):
    n_bytes = source.size(0, 1, 8191, 8192, most=40)
    planes = np.zeros(source.size(0, 1, 64, 64 * n_bytes, most=300), dtype=np.uint8)
    rows = np.zeros((source.size(0, 1, 64, most=9), n_bytes), dtype=np.uint8)
    edges = [-1, 0, 63, 64, 2**62, -(2**63), 2**63 - 1]
    positions = np.array([source.size(*edges, most=130) for _ in range(len(rows))])
    with suppress(*REFUSALS):
        _layout.load_rows(planes, positions.astype(np.intp), rows)
        assert ((positions >= 0) & (positions < len(planes) // n_bytes)).all()
    with suppress(*REFUSALS):
        _layout.store_rows(rows, planes, source.size(0, 64, 2**63, 2**64 - 1, most=99))


def distinct(source):
    n_bytes = source.choice(WIDTHS)
    rows = source.rows(source.size(0, 1, 64, most=300), n_bytes)
    unique, first, inverse = np.unique(
        rows, axis=0, return_index=True, return_inverse=True
    )
    most = source.size(0, len(unique) - 1, len(unique), 2**64 - 1, most=300)
    if most < 0 or len(unique) > most:
        assert most < 0 or _layout.distinct_codes(rows, most) is None
        return
    codes, first_rows = _layout.distinct_codes(rows, most)
    order = np.argsort(first)
    check_equal(first_rows, first[order])
    check_equal(order[codes], inverse.ravel())
    starts, listed = _layout.rows_by_code(codes, len(unique))
    check_equal(listed, np.argsort(codes, kind="stable"))
    counts = np.bincount(codes, minlength=len(unique))
    check_equal(np.diff(starts), counts)


def refused_lists(source):
    codes = source.generator().integers(0, 9, source.size(0, 1, most=50))
    n_distinct = source.size(0, 1, 9, -1, most=12)
    try:
        starts, rows = _layout.rows_by_code(codes.astype(np.uint32), n_distinct)
    except REFUSALS:
        assert n_distinct < 0 or (len(codes) and codes.max() >= n_distinct)
    else:
        assert len(starts) == n_distinct + 1
        assert sorted(rows.tolist()) == list(range(len(codes)))


def with_error(function, *arguments):
    try:
        function(*arguments)
    except REFUSALS:
        return
    raise AssertionError(f"{function} took what does not fit")
