"""Check and set the attributes of an object that is made without its constructor."""

from typing import Any

from sklearn.base import BaseEstimator

from skhash.io._file import InvalidFileError


def check_names(state: Any, cls: type) -> None:
    """Raise InvalidFileError for attributes that would hide a method of the class."""
    for name in state:
        is_special = name.startswith("__") and name.endswith("__")
        if is_special or callable(getattr(cls, name, None)):
            raise InvalidFileError(
                f"it holds a {cls.__name__} with an invalid attribute {name!r:.60}."
            )


def check_estimator(estimator: Any, path: str) -> None:
    """Raise if a parameter of an estimator is invalid, or must not be in a file.

    Raises
    ------
    ValueError
        If a parameter is invalid.
    AttributeError
        If a parameter is missing.
    TypeError
        If the estimator uses a cache, which is a folder of pickles.
    """
    if not isinstance(estimator, BaseEstimator):
        return
    parameters = estimator.get_params(deep=False)
    if parameters.get("memory") is not None:
        raise TypeError(
            f"{path}.memory must be None to be saved: a cache is a folder of pickles, "
            f"from which code could be run; got {parameters['memory']!r:.100}."
        )
    if hasattr(estimator, "_parameter_constraints"):
        estimator._validate_params()
