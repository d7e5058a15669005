"""Types of the Cython module; its docstrings are in _mutex.pyx."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

class Mutex:
    def run(
        self,
        function: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **no_keywords: Arguments.kwargs,
    ) -> Result: ...
    def run_if_free(
        self,
        function: Callable[Arguments, object],
        *arguments: Arguments.args,
        **no_keywords: Arguments.kwargs,
    ) -> None: ...
