"""What is asked of a gate's options when it is made, so that no request finds out that one is wrong."""

from __future__ import annotations

import inspect
from typing import Any

from ._tidegate import Limiter


def check(limiter: Any, key: Any, cost: Any, exempt: tuple[Any, ...]) -> None:
    """Raises `TypeError` for what is none of the kinds that `tidegate.http` tells."""
    if not isinstance(limiter, Limiter):
        check_function("limiter", limiter, "a Limiter or a function of the request")
    check_function("key", key)
    if callable(cost):
        check_function("cost", cost)
    for one in exempt:
        if not isinstance(one, str):
            check_function("exempt", one, "paths and functions of the request")


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
