"""Change the attributes of an estimator all at once or not at all."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from skhash._hamming._mutex import Mutex

Estimator = TypeVar("Estimator")


#: The version of pickled estimators; a change that earlier versions cannot read raises
#: it.
PICKLE_VERSION = 1


class VersionedStateMixin:
    """Write a version into pickles of an estimator, and raise for those of a newer one.

    Comes before :class:`~sklearn.base.BaseEstimator` among the base classes.
    """

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_pickle_version": PICKLE_VERSION}  # type: ignore[operator]

    def __setstate__(self, state: dict[str, Any]) -> None:
        version = state.get("_pickle_version", PICKLE_VERSION)
        if version > PICKLE_VERSION:
            raise ValueError(
                f"This {type(self).__name__} was pickled in version {version} of the "
                "format of scikit-hash, which reads versions up to "
                f"{PICKLE_VERSION} here. Install a newer scikit-hash."
            )
        own = {name: x for name, x in state.items() if name != "_pickle_version"}
        super().__setstate__(own)  # type: ignore[misc]


def replace_state(
    estimator: Estimator, change: Callable[..., object], *arguments: Any
) -> None:
    """Change the attributes of an estimator all at once, one thread at a time.

    Parameters
    ----------
    estimator : estimator
        The estimator to change.
    change : callable
        Called with a shallow copy of the estimator and the arguments. What it sets in
        the copy replaces the attributes of the estimator in one assignment: an error or
        an interrupt anywhere leaves the estimator as it was. It must replace fitted
        objects, not change them in place. Parameters that are NumPy numbers are Python
        numbers in the copy, since those of 8 bits would overflow.
    *arguments : object
        Its other arguments.
    """
    mutex_of(estimator).run(_replace, estimator, change, arguments)


def _replace(estimator: Any, change: Callable[..., object], arguments: tuple) -> None:
    copied = snapshot(estimator)
    change(copied, *arguments)
    estimator.__dict__ = vars(copied) | _numpy_parameters(vars(estimator))


def mutex_of(estimator: object) -> Mutex:
    """Return the mutex that serializes changes of an estimator."""
    attributes = vars(estimator)
    mutex = attributes.get("_mutex")
    if mutex is None:
        mutex = attributes.setdefault("_mutex", Mutex())  # atomic
    return mutex


def snapshot(estimator: Estimator) -> Estimator:
    """Return the estimator as it is now, whatever a fit in another thread does.

    Parameters
    ----------
    estimator : estimator
        An estimator that is changed by :func:`replace_state` only.

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
        # Fitted attributes are not parameters.
        and not name.endswith("_")
    }
