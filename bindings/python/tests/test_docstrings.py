"""What `help` shows."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import tidegate

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = [name for _, name, _ in pkgutil.iter_modules(tidegate.__path__) if not name.startswith("_")]
#: What has no docstring: it is explained by the class that has it.
DATA = (str, int, MemberDescriptorType)


def in_module(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """A module, and what it exports or defines."""
    yield module.__name__, module
    for word, thing in vars(module).items():
        kind = type(thing)  # what Django's settings may be asked for without being there
        is_its_own = issubclass(kind, type | FunctionType) and thing.__module__ == module.__name__
        if word in getattr(module, "__all__", ()) or (is_its_own and not word.startswith("_")):
            yield f"{module.__name__}.{word}", thing
            if issubclass(kind, type):
                yield from in_class(thing, f"{module.__name__}.{word}")


def in_class(thing: type, name: str) -> Iterator[tuple[str, Any]]:
    """What a class of ours defines. What it takes from others, they explain."""
    others = [base for base in thing.__mro__ if not base.__module__.startswith("tidegate")]
    for word in dir(thing):
        if not word.startswith("_") and not any(word in vars(base) for base in others):
            yield f"{name}.{word}", getattr(thing, word)


PUBLIC = {
    name: thing
    for module in (tidegate, *(importlib.import_module(f"tidegate.{name}") for name in MODULES))
    for name, thing in in_module(module)
    if not isinstance(thing, DATA)
}


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_is_explained(name: str) -> None:
    assert inspect.getdoc(PUBLIC[name])


def test_all_has_been_found() -> None:
    assert {
        "tidegate.Limiter.check",
        "tidegate.Limiter.acquire_async",
        "tidegate.Decision.retry_after",
        "tidegate.PolicyFile.from_toml",
        "tidegate.check_all",
        "tidegate.http.Gate.judge",
        "tidegate.http.client_address",
        "tidegate.django.RateLimitMiddleware",
        "tidegate.flask.RateLimit.init_app",
    } < PUBLIC.keys()


@pytest.mark.parametrize(
    ("name", "words"),
    {
        "Limiter": ["max_keys", "NotationError", "SegmentError", "/dev/shm"],
        "Limiter.check": [
            "``str``",
            "``bytes``",
            "units",
            "CostAboveQuotaError",
            "InvalidError",
            "TypeError",
            "seconds",
        ],
        "Limiter.check_many": ["iterable", "ValueError", "Decisions"],
        "Limiter.acquire": ["seconds", "InvalidError", "KeyboardInterrupt"],
        "Limiter.acquire_async": ["seconds", "InvalidError", "Cancelling"],
        "Limiter.refund": ["peek"],
        "Limiter.limit": ["seconds", "RateLimited"],
        "Decision": ["seconds", "nanoseconds", "true when it is allowed"],
        "Decision.headers": ["x-ratelimit", "ietf-06", "seconds", "InvalidError"],
        "Limit": ["Seconds", "units", "InvalidError"],
        "Policy": ["bytes", "NotationError"],
        "check_all": ["(limiter, key, cost)", "InvalidError"],
        "Proxies": ["InvalidError"],
    }.items(),
)
def test_units_and_errors_are_told(name: str, words: list[str]) -> None:
    told = inspect.getdoc(PUBLIC[f"tidegate.{name}"]) or ""
    assert [word for word in words if word not in told] == []
