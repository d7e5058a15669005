"""Check that torch has one thread inside, and as many as before afterwards."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch

from skhash.distributed._one_thread import one_torch_thread


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_one_inside_and_as_before_after_an_error(three_threads):
    with pytest.raises(RuntimeError), one_torch_thread():  # noqa: PT012
        assert torch.get_num_threads() == 1
        with one_torch_thread():
            assert torch.get_num_threads() == 1
        raise RuntimeError
    assert torch.get_num_threads() == 3


def test_several_threads_at_once(three_threads):
    barrier = Barrier(4)

    def inside(_):
        with one_torch_thread():
            barrier.wait()
            return torch.get_num_threads()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(inside, range(8))) == {1}
        assert set(pool.map(lambda _: torch.get_num_threads(), range(8))) == {3}
    assert torch.get_num_threads() == 3
