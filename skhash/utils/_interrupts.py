"""Let Ctrl-C end the wait for a long call of compiled code."""

import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


def interruptible(
    call: Callable[..., Result], *arguments: Any, **options: Any
) -> Result:
    """Make a call that looks for no signals, and answer them meanwhile.

    The call runs in a thread of its own while this one waits, as Python handles signals
    between two of its own instructions only. After an interrupt it runs to its end, and
    its result is dropped: it must change nothing.

    Parameters
    ----------
    call : callable
        A function that releases the lock of the interpreter, as sorts and products of
        numpy and scipy do. It costs some 0.1 ms more than without this.
    *arguments, **options : object
        What to call it with.

    Returns
    -------
    result : object
        What the call returned.

    Raises
    ------
    BaseException
        What the call or a handler of signals has raised.
    """
    if threading.current_thread() is not threading.main_thread():
        return call(*arguments, **options)  # no signal comes here
    results: list[Result] = []
    errors: list[BaseException] = []
    # What numpy does about overflows holds for this thread and its context only.
    context = contextvars.copy_context()

    def work() -> None:
        try:
            results.append(context.run(call, *arguments, **options))
        except BaseException as error:  # raised again by the waiting thread
            errors.append(error)

    thread = threading.Thread(target=work, name="skhash", daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError):  # "can't start new thread"
        return call(*arguments, **options)
    # In steps, for an untimed wait is not ended by signals on every platform.
    while thread.is_alive():
        thread.join(0.05)
    if errors:
        raise errors[0]
    return results[0]
