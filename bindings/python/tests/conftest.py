"""What all tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tidegate import Limiter, ManualClock

REPOSITORY = Path(__file__).parents[3]


def vectors(name: str) -> dict[str, Any]:
    """One of the files that every language's tests run."""
    return json.loads((REPOSITORY / "tests" / "vectors" / f"{name}.json").read_text())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000.0)


@pytest.fixture
def limiter(clock: ManualClock) -> Limiter:
    return Limiter("3/minute; 2/second token-bucket", clock=clock)
