"""What type checkers alone read."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .http import Cost, Request


class Options(TypedDict, total=False):
    """Those of a `Gate`, which a middleware passes on. `tidegate.http` says what they mean."""

    key: Callable[[Request], str | bytes | None] | None
    cost: Cost | Callable[[Request], Cost]
    exempt: Iterable[str | Callable[[Request], bool]]
    style: str
    expose_headers: bool
    max_body: int | None
    retry_jitter: int
    fail_open: bool
