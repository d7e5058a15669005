"""Test ids, validation and verification, with an engine made of numpy."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from skhash import HammingNearestNeighbors
from skhash.export import Exported
from skhash.export._source import Source


class NumpyExport(Exported):
    """Scan by numpy, with given mistakes in the results."""

    def __init__(self, index, *, ids=None, n_bits=None, distinct=False, spoil=None):
        super().__init__(Source(index, ids, n_bits), distinct=distinct)
        self.spoil = spoil

    def _search(self, queries, n_neighbors):
        differing = queries[:, None] ^ self._stored_codes
        distances = np.bitwise_count(differing).sum(axis=2, dtype=np.int64)
        order = np.argsort(distances, axis=1, kind="stable")[:, :n_neighbors]
        distances = np.take_along_axis(distances, order, axis=1)
        keys = self._stored_keys[order]
        if self.spoil is not None:
            self.spoil(distances, keys)
        return distances, keys


@pytest.fixture(scope="module")
def bits():
    rng = np.random.RandomState(0)
    return rng.randint(2, size=(60, 13))[rng.randint(60, size=200)]


@pytest.fixture(scope="module")
def index(bits):
    return HammingNearestNeighbors().fit(bits)


@pytest.mark.parametrize("distinct", [False, True])
def test_neighbors(bits, index, distinct):
    exported = NumpyExport(index, distinct=distinct)
    for n_neighbors in (1, 7, 200):
        expected = index.kneighbors(bits[:20], n_neighbors)
        found = exported.kneighbors(bits[:20], n_neighbors)
        for one, other in zip(expected, found):
            assert_array_equal(one, other)
    verification = exported.verify(bits[:20])
    assert verification.is_exact
    assert verification.recall == 1
    assert (verification.n_queries, verification.n_neighbors) == (20, 10)


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize(
    "ids",
    [
        np.random.RandomState(1).permutation(10**6)[:200],
        [f"document {i}" for i in range(200)],
        np.arange(200, dtype=np.uint8),
    ],
    ids=["integers", "strings", "bytes"],
)
def test_ids(bits, index, ids, distinct):
    exported = NumpyExport(index, ids=ids, distinct=distinct)
    expected = index.kneighbors(bits[:9], 4, return_distance=False)
    found = exported.kneighbors(bits[:9], 4)[1]
    assert_array_equal(found, np.asarray(ids)[expected])
    assert_array_equal(exported.ids, ids)
    assert exported.verify(bits[:9]).is_exact


def test_forms_of_codes(bits, index):
    packed = np.packbits(bits, axis=1)
    expected = NumpyExport(index).kneighbors(bits[:5])
    packed_index = HammingNearestNeighbors(packed=True, n_bits=13).fit(packed)
    for exported in (NumpyExport(packed_index), NumpyExport(packed, n_bits=13)):
        assert exported.n_bits == 13
        for one, other in zip(expected, exported.kneighbors(packed[:5])):
            assert_array_equal(one, other)
    assert NumpyExport(packed).n_bits == 16


def test_verification_counts_what_is_wrong(bits, index):
    def drop_last(distances, keys):
        distances[:3, -1] = keys[:3, -1] = -1

    def repeat_first(distances, keys):
        distances[:, 1], keys[:, 1] = distances[:, 0], keys[:, 0]

    def reverse_bits(distances, keys):
        distances += 1

    def swap_far(distances, keys):
        far = np.argmax(np.bitwise_count(packed[0] ^ packed).sum(axis=1))
        keys[0, 0] = far

    packed = np.packbits(bits, axis=1)

    def verify(spoil):
        return NumpyExport(index, spoil=spoil).verify(bits[:10], n_neighbors=4)

    dropped = verify(drop_last)
    assert dropped.recall == dropped.overlap == dropped.distance_agreement == 37 / 40
    assert dropped.n_incomplete_queries == 3
    assert not dropped.is_exact
    repeated = verify(repeat_first)
    assert repeated.overlap == 30 / 40
    assert repeated.n_incomplete_queries == 10
    assert verify(reverse_bits).distance_agreement == 0
    assert verify(reverse_bits).overlap == 1
    assert verify(swap_far).overlap == 39 / 40
    assert verify(swap_far).recall == 39 / 40


def test_a_lost_neighbor_behind_ties():
    """A lost neighbor is counted if another at the last distance replaces it."""

    def lose_first(distances, keys):
        distances[:], keys[:] = 1, [[1, 2]]

    codes = np.array([[0], [1], [2], [4]], dtype=np.uint8)
    exported = NumpyExport(codes, spoil=lose_first)
    verification = exported.verify(codes[:1], n_neighbors=2)
    assert verification.overlap == 1
    assert verification.distance_agreement == 0.5
    assert verification.n_incomplete_queries == 1
    assert not verification.is_exact


def test_ties_are_not_errors():
    """Another order of equal codes lowers recall, nothing else."""

    def reverse(distances, keys):
        keys[:] = 9 - keys

    codes = np.zeros((10, 2), dtype=np.uint8)
    verification = NumpyExport(codes, spoil=reverse).verify(codes[:1], n_neighbors=5)
    assert verification.is_exact
    assert verification.recall == 0


def test_missing_neighbors_have_no_id(bits, index):
    def drop(distances, keys):
        distances[0, 2:] = keys[0, 2:] = -1

    for ids, nothing in ((None, -1), ([str(i) for i in range(200)], None)):
        distances, found = NumpyExport(index, ids=ids, spoil=drop).kneighbors(bits[:2])
        assert list(found[0, 2:]) == [nothing] * 3
        assert list(distances[0, 2:]) == [-1] * 3
        assert nothing not in list(found[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ids": [1, 2]}, r"ids must be 200 integers or strings.*shape \(2,\)"),
        ({"ids": np.zeros(200, int)}, "ids must be unique"),
        ({"ids": np.arange(200) - 1}, "ids must be at least 0"),
        ({"ids": np.arange(200) / 2}, "got dtype float64"),
        ({"n_bits": 12}, "n_bits must be None or 13"),
    ],
)
def test_invalid_arguments(index, arguments, message):
    with pytest.raises(ValueError, match=message):
        NumpyExport(index, **arguments)


def test_invalid_queries(bits, index):
    exported = NumpyExport(index)
    with pytest.raises(ValueError, match="queries must have 13 bits"):
        exported.kneighbors(bits[:, :5])
    for n_neighbors in (0, 201, True, 2.5):
        with pytest.raises(
            ValueError, match="n_neighbors must be an int from 1 to 200"
        ):
            exported.kneighbors(bits, n_neighbors)
    with pytest.raises(ValueError, match="at least one code"):
        exported.verify(bits[:0])
    with pytest.raises(NotFittedError):
        NumpyExport(HammingNearestNeighbors())
