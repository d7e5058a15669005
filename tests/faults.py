"""Raise errors at a chosen place of a call."""

import sys
from pathlib import Path

import skhash

PACKAGE = str(Path(skhash.__file__).parent)


class InjectedError(BaseException):
    """Raised in the middle of a change, as an interrupt would be."""


def interrupted_at(n, call, *arguments, within=PACKAGE):
    """Make a call that raises at its n-th line of files within a folder.

    Returns False if the call has fewer lines.
    """
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        if not frame.f_code.co_filename.startswith(within):
            return None
        if event == "line":
            count += 1
            if count == n:
                raise InjectedError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call(*arguments)
    except InjectedError:
        return True
    finally:
        sys.settrace(before)
    return False
