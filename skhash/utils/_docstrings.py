"""Write a text that several docstrings share only once."""

import inspect
from collections.abc import Callable
from typing import TypeVar

Documented = TypeVar("Documented", bound=Callable)


def substitute(**texts: str) -> Callable[[Documented], Documented]:
    """Replace placeholders in the docstring of a function or a class.

    Parameters
    ----------
    **texts : str
        For each name the text that takes the place of ``{name}``. Its lines are
        indented as the placeholder is. Other braces stay as they are.

    Returns
    -------
    decorator : callable
        Returns the same function or class, with its docstring changed. Docstrings
        that Python dropped (``python -OO``) stay dropped.
    """

    def decorate(documented: Documented) -> Documented:
        if documented.__doc__:
            documented.__doc__ = _fill(documented.__doc__, texts)
        return documented

    return decorate


def _fill(docstring: str, texts: dict[str, str]) -> str:
    lines = []
    for line in docstring.split("\n"):
        for name, text in texts.items():
            placeholder = "{" + name + "}"
            if placeholder in line:
                margin = " " * (len(line) - len(line.lstrip()))
                filling = inspect.cleandoc(text).replace("\n", "\n" + margin)
                line = line.replace(placeholder, filling)
        lines.append(line)
    return "\n".join(lines)
