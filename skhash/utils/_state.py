"""Change the state of an estimator all at once or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

Estimator = TypeVar("Estimator")


@contextmanager
def replaced_at_end(estimator: Estimator) -> Iterator[Estimator]:
    """Yield a copy of an estimator whose attributes replace the original ones.

    They do so in one assignment when the block ends without an exception: an error or
    an interrupt anywhere in the block leaves the estimator as it was. The block must
    replace fitted objects, not change them in place.

    Parameters
    ----------
    estimator : estimator
        The estimator to change.

    Yields
    ------
    copied : estimator
        A shallow copy to be changed.
    """
    copied = _with_attributes(estimator, dict(vars(estimator)))
    yield copied
    estimator.__dict__ = vars(copied)


def snapshot(estimator: Estimator) -> Estimator:
    """Return the estimator as it is now, whatever a fit in another thread does.

    Parameters
    ----------
    estimator : estimator
        An estimator that is changed by :func:`replaced_at_end` only.

    Returns
    -------
    frozen : estimator
        An object with the same attributes.
    """
    return _with_attributes(estimator, vars(estimator))


def _with_attributes(estimator: Estimator, attributes: dict) -> Estimator:
    other = object.__new__(type(estimator))
    other.__dict__ = attributes
    return other
