"""Calling code that is not ours: whatever it ends with becomes one plain error, and nothing else is lost."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sr_core.errors import ContractError, SrkitError


@contextmanager
def guarded(what: str, becomes: type[SrkitError] = ContractError) -> Iterator[None]:
    """Turn any exception of a block into one of ours, and keep what it prints away from our output.

    A plugin may raise anything, `SystemExit` and exceptions that cannot be printed included; only Ctrl-C passes.

    Args:
        what: who was called for what; the message begins with it.
        becomes: the class of the error.

    Raises:
        SrkitError: of class `becomes`, from what was raised.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except KeyboardInterrupt:
        raise
    except SrkitError as error:
        raise becomes(f"{what}: {error}") from error
    except BaseException as error:
        raise becomes(f"{what}: {describe(error)}") from error


def describe(error: BaseException) -> str:
    r"""An exception in one printable line, whatever its author did.

    >>> describe(ValueError("two\nlines"))
    'ValueError: two lines'
    """
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - a stranger's __str__ may raise anything too
        text = "its message cannot be read"
    line = "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
