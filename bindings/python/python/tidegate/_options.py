"""What is asked of a gate's options when it is made, so that no request finds out that one is wrong."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from ._errors import InvalidError
from ._tidegate import Limiter

#: In a path that a router may read as another, before or after us: /static/../orders as /orders.
AMBIGUOUS = re.compile(r"//|/\.\.?(?:/|\Z)|[\\%]")


def check_functions(limiter: Any, key: Any, cost: Any) -> None:
    """Raises `TypeError` for what is none of the kinds that `tidegate.http` tells."""
    if not isinstance(limiter, Limiter):
        check_function("limiter", limiter, "a Limiter or a function of the request")
    check_function("key", key)
    if callable(cost):
        check_function("cost", cost)


def check_function(option: str, given: Any, expected: str = "a function of the request") -> None:
    """Raises `TypeError` unless it can be called, and answers at once."""
    if not callable(given):
        raise TypeError(f"{option}: expected {expected}, not {given!r}")
    if inspect.iscoroutinefunction(given) or inspect.iscoroutinefunction(type(given).__call__):
        raise TypeError(f"{option}: {given!r} is async, and nobody would await it; give a plain function")


def answered(option: str, answer: Any) -> Any:
    """What a function has answered. A coroutine is true whatever it would say, so it is a `TypeError`."""
    if not isinstance(answer, bool) and inspect.isawaitable(answer):
        raise TypeError(f"{option}: a function gave {answer!r}, which nobody awaits; give a plain function")
    return answer


def exempt(given: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The paths and the functions. Raises for a path that would never be met."""
    if not isinstance(given, Iterable):
        raise TypeError(f"exempt: expected paths and functions of the request, not {given!r}")
    rules = (given,) if isinstance(given, str) else tuple(given)
    paths = tuple(rule for rule in rules if isinstance(rule, str))
    functions = tuple(rule for rule in rules if not isinstance(rule, str))
    for path in paths:
        _check_path(path)
    for function in functions:
        check_function("exempt", function, "paths and functions of the request")
    return paths, functions


def _check_path(path: str) -> None:
    if not path.startswith("/"):
        raise InvalidError(f"exempt: {path!r} is no path; one begins with /")
    if AMBIGUOUS.search(path):
        raise InvalidError(f"exempt: {path!r} can be read as another path, and such a one is never exempt")


def whole(option: str, given: Any) -> int:
    """A number of 64 bits that is not negative."""
    if not isinstance(given, int):
        raise TypeError(f"{option}: expected a whole number, not {given!r}")
    if not 0 <= given < 2**64:
        raise InvalidError(f"{option} is {given}; expected a whole number from 0 to 2**64 - 1")
    return given


def yes_or_no(option: str, given: Any) -> bool:
    """A bool itself: of the text "no" Python says that it is true."""
    if not isinstance(given, bool):
        raise TypeError(f"{option}: expected True or False, not {given!r}")
    return given
