"""Interleaved rounds, the stopwatch, and the proof that a mode is what it says. Knows no limiter."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


def nothing(*_: Any) -> None:
    pass


@dataclass
class Contender:
    """Somebody who is asked about chunks of keys and says how many were allowed."""

    name: str
    #: The timed part.
    worker: Callable[[Any], int]
    #: Before a turn, not timed.
    prepare: Callable[[], None] = nothing
    #: After a chunk, not timed: gives back what the chunk has taken.
    undo: Callable[[Sequence[str]], None] = nothing
    #: After a turn, not timed: waits until nothing of it runs any more.
    settle: Callable[[], None] = nothing
    #: A chunk as the worker wants it, made before the time is taken.
    arrange: Callable[[Sequence[str]], Any] = lambda chunk: chunk


@dataclass
class Mode:
    """A situation and all who take part in it."""

    id: str
    title: str
    #: What every check must answer.
    allowed: bool
    chunks: Sequence[Sequence[str]]
    contenders: list[Contender]
    #: The name of the one that tables compare with.
    yardstick: str


@dataclass
class Series:
    """A contender's figures, in nanoseconds a check, round by round."""

    name: str
    rounds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


@dataclass
class Result:
    mode: Mode
    series: list[Series]

    def of(self, name: str) -> Series:
        return next(series for series in self.series if series.name == name)


def run(mode: Mode, rounds: int, least_ns: int) -> Result:
    """Runs a mode: A B C, B C A, C A B, …, so that nobody always follows the same other.

    The first round warms up and is dropped. As `timeit` does, this keeps the garbage collector out of
    the way; that is to the good of those who make most garbage.
    """
    everybody = [Series(contender.name) for contender in mode.contenders]
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for turn in range(rounds + 1):
            for place in range(len(mode.contenders)):
                who = (turn + place) % len(mode.contenders)
                figure = _measure(mode, mode.contenders[who], turn, least_ns)
                if turn > 0:
                    everybody[who].rounds.append(figure)
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
    return Result(mode, everybody)


def _measure(mode: Mode, contender: Contender, turn: int, least_ns: int) -> float:
    """Nanoseconds a check, of chunks that take so long at least."""
    contender.prepare()
    spent = checks = allowed = 0
    while spent < least_ns or not checks:
        chunk = mode.chunks[turn % len(mode.chunks)]
        arranged = contender.arrange(chunk)
        start = time.perf_counter_ns()
        allowed += contender.worker(arranged)
        spent += time.perf_counter_ns() - start
        contender.undo(chunk)
        checks += len(chunk)
        turn += 1
    contender.settle()
    _prove(mode, contender, checks, allowed)
    return spent / checks


def _prove(mode: Mode, contender: Contender, checks: int, allowed: int) -> None:
    """A limiter on a real clock frees a unit now and then; one in a thousand checks may differ."""
    strays = checks - allowed if mode.allowed else allowed
    if strays > checks / 1000 + 2:
        expected = "allowed" if mode.allowed else "denied"
        raise RuntimeError(f"{mode.id}, {contender.name}: {strays} of {checks} checks were not {expected}")
