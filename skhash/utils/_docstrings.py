"""Insert shared texts into docstrings."""

import inspect
from collections.abc import Callable
from typing import TypeVar

Documented = TypeVar("Documented", bound=Callable)


def substitute(**texts: str) -> Callable[[Documented], Documented]:
    """Replace placeholders in the docstring of a function or a class.

    Parameters
    ----------
    **texts : str
        Texts that replace ``{name}``, with the indentation of that placeholder. Other
        braces stay as they are.

    Returns
    -------
    decorator : callable
        Changes the docstring of a function or a class, unless Python dropped it
        (``python -OO``).
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
