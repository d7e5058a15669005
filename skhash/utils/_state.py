"""Change the attributes of an estimator all at once or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

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
        A shallow copy to be changed. Parameters that are NumPy numbers are Python
        numbers in it, since those of 8 bits would overflow.
    """
    copied = snapshot(estimator)
    yield copied
    estimator.__dict__ = vars(copied) | _numpy_parameters(vars(estimator))


def snapshot(estimator: Estimator) -> Estimator:
    """Return the estimator as it is now, whatever a fit in another thread does.

    Parameters
    ----------
    estimator : estimator
        An estimator that is changed by :func:`replaced_at_end` only.

    Returns
    -------
    frozen : estimator
        A shallow copy, in which parameters that are NumPy numbers are Python numbers.
    """
    attributes = vars(estimator)
    numbers = _numpy_parameters(attributes)
    copied = object.__new__(type(estimator))
    copied.__dict__ = attributes | {name: x.item() for name, x in numbers.items()}
    return copied


def _numpy_parameters(attributes: dict[str, Any]) -> dict[str, np.generic]:
    return {
        name: value
        for name, value in attributes.items()
        if isinstance(value, np.generic)
        and not name.startswith("_")
        # Fitted attributes are no parameters.
        and not name.endswith("_")
    }
