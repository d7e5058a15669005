"""Define fixtures of the tests of files."""

import pytest

from skhash import io


@pytest.fixture
def round_trip(tmp_path):
    """Return a function that saves and loads an object."""

    def save_and_load(obj, **options):
        path = tmp_path / "object.skhash"
        io.save(path, obj)
        return io.load(path, **options)

    return save_and_load
