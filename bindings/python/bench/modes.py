"""What is measured, and who takes part."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from pyrate_limiter import Duration

import subjects
import web
from harness import Contender, Mode
from subjects import ENDLESS, RUST_PY

MINUTE, DAY = 60, 86_400


def keys(count: int) -> list[str]:
    """Keys of 24 characters."""
    digits = random.Random(count)
    return [f"api-key-{digits.getrandbits(64):016x}" for _ in range(count)]


def _hot() -> list[list[str]]:
    """16 keys, each 8 times in a row, so that a chunk takes long enough to be timed."""
    return [[key for key in keys(16) for _ in range(8)]]


def _shuffled(count: int, chunk: int) -> list[list[str]]:
    mixed = keys(count)
    return [mixed[at : at + chunk] for at in range(0, count, chunk)]


def hot_allowed(_: bool) -> Mode:
    contenders = [
        *subjects.asking(),
        *_endless(),
        subjects.limits_moving("100/minute", undo=True),
        subjects.pyrate((100, Duration.MINUTE), undo=True),
    ]
    return Mode("hot-allowed", "hot keys, admitted", True, _hot(), contenders, RUST_PY)


def _endless() -> list[Contender]:
    """Those for whom the work is the same whatever the quota, with one that no run exhausts."""
    return [
        subjects.rust_py((ENDLESS, MINUTE)),
        subjects.rust_py((ENDLESS, MINUTE), algorithm="sliding", name=subjects.RUST_PY_SLIDING),
        subjects.rust_py_check(ENDLESS, MINUTE),
        subjects.token_buckets((100 / MINUTE, ENDLESS)),
        subjects.throttled_py(f"100/m burst {ENDLESS}"),
        subjects.limits_fixed(f"{ENDLESS}/minute"),
    ]


def hot_denied(_: bool) -> Mode:
    chunks = _hot()
    contenders = [
        *subjects.asking(denied=chunks[0]),
        subjects.rust_py((1, DAY)),
        subjects.rust_py((1, DAY), algorithm="sliding", name=subjects.RUST_PY_SLIDING),
        subjects.rust_py_check(1, DAY),
        subjects.token_buckets((1 / DAY, 1)),
        subjects.throttled_py("1/d burst 1"),
        subjects.limits_fixed("1/day"),
        subjects.limits_moving("100/day"),
        subjects.pyrate((100, Duration.DAY)),
    ]
    _use_up(contenders, chunks, 100)
    return Mode("hot-denied", "hot keys, denied", False, chunks, contenders, RUST_PY)


def _use_up(contenders: Sequence[Contender], chunks: Sequence[Sequence[str]], quota: int) -> None:
    for contender in contenders:
        for _ in range(quota // 8 + 1):
            contender.worker(chunks[0])


def many_keys(quick: bool) -> Mode:
    """Every check is of another key than the last few thousand; each has one admission behind it."""
    count = 2_000 if quick else 100_000
    chunks = _shuffled(count, count // 5)
    contenders = [
        *subjects.asking(max_keys=count),
        subjects.batches(count),
        *_endless(),
        subjects.limits_moving("100/minute"),
        subjects.pyrate((100, Duration.MINUTE)),
    ]
    for contender in contenders:
        for chunk in chunks:
            contender.worker(contender.arrange(chunk))
        contender.settle()
    return Mode("100k", "100,000 keys in turn, admitted", True, chunks, contenders, RUST_PY)


def batches(_: bool) -> Mode:
    contenders = [
        subjects.batches(),
        *subjects.asking(),
        subjects.rust_py((ENDLESS, MINUTE)),
    ]
    return Mode("batches", "1,024 keys in turn, admitted", True, [keys(1024)], contenders, RUST_PY)


def two_limits(_: bool) -> Mode:
    """100 a minute and 10 a second by everybody, where others ask once for each."""
    contenders = [
        *subjects.asking(),
        subjects.rust_py((ENDLESS, MINUTE), (ENDLESS, 1)),
        subjects.token_buckets((100 / MINUTE, ENDLESS), (10, ENDLESS)),
        subjects.throttled_py(f"100/m burst {ENDLESS}", f"10/s burst {ENDLESS}"),
        subjects.limits_fixed(f"{ENDLESS}/minute", f"{ENDLESS}/second"),
        subjects.limits_moving("100/minute", "10/second", undo=True),
        subjects.pyrate((10, Duration.SECOND), (100, Duration.MINUTE), undo=True),
    ]
    return Mode("two-limits", "hot keys, admitted by two limits at once", True, _hot(), contenders, RUST_PY)


def web_allowed(_: bool) -> Mode:
    addresses = [f"192.0.2.{number}" for number in range(1, 17) for _ in range(8)]
    return Mode(
        "web", "a FastAPI application in process, admitted", True, [addresses], web.contenders(), web.BARE
    )


#: By their ids, with the time that a contender works in a round, in milliseconds.
ALL: dict[str, tuple[Callable[[bool], Mode], int]] = {
    "hot-allowed": (hot_allowed, 20),
    "hot-denied": (hot_denied, 20),
    "100k": (many_keys, 1),
    "batches": (batches, 10),
    "two-limits": (two_limits, 20),
    "web": (web_allowed, 50),
}
