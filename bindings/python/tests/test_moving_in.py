"""Flask-Limiter and slowapi, with `tidegate://` as their storage, under real servers."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from serving import gunicorn, uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from serving import Server

    Serve = Callable[..., AbstractContextManager[Server]]

STRATEGIES = ["fixed-window", "moving-window", "sliding-window-counter"]


def flask(storage: str, strategy: str, workers: int = 1, **more: str) -> AbstractContextManager[Server]:
    return gunicorn("moved_flask:app", workers, STORAGE=storage, STRATEGY=strategy, **more)


def preloaded(storage: str, strategy: str, workers: int = 1) -> AbstractContextManager[Server]:
    return flask(storage, strategy, workers, GUNICORN_CMD_ARGS="--preload")


def fastapi(storage: str, strategy: str, workers: int = 1) -> AbstractContextManager[Server]:
    return uvicorn("moved_fastapi:app", workers, STORAGE=storage, STRATEGY=strategy)


@pytest.mark.skipif(sys.platform != "linux", reason="segments need Linux")
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("serve", [flask, preloaded, fastapi])
def test_four_workers_admit_one_quota(serve: Serve, strategy: str, tmp_path: Path) -> None:
    """Eight clients at full speed, on whichever worker takes the connection, until several have."""
    answers: list[int] = []
    workers: set[str] = set()

    def client(server: Server) -> None:
        for asked in range(2000):
            if asked >= 25 and len(workers) > 1:
                return
            answer = server.ask(x_api_key="hot")
            answers.append(answer.status)
            workers.add(answer.headers["X-Worker"])

    with serve(f"tidegate://{tmp_path}/limits", strategy, workers=4) as server:
        clients = [threading.Thread(target=client, args=(server,)) for _ in range(8)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
    assert len(workers) > 1
    assert set(answers) == {200, 429}
    assert answers.count(200) == 100


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("serve", [flask, fastapi])
def test_headers_costs_and_several_limits(serve: Serve, strategy: str) -> None:
    with serve("tidegate://", strategy) as server:
        first = server.ask(x_api_key="a")
        assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("100", "99")
        assert float(first.headers["X-RateLimit-Reset"]) == pytest.approx(time.time() + 3600, abs=60)
        # Both send it with what they admit, too.
        assert int(first.headers["Retry-After"]) == pytest.approx(3600, abs=60)

        heavy = [server.ask("/heavy", x_api_key="a") for _ in range(3)]
        assert [answer.status for answer in heavy] == [200, 200, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in heavy] == ["6", "2", "2"]

        both = [server.ask("/both", x_api_key="a") for _ in range(3)]
        assert [answer.status for answer in both] == [200, 200, 429]
        assert both[-1].headers["X-RateLimit-Limit"] == "2"
        assert (server.ask("/both", x_api_key="b").status, server.ask(x_api_key="b").status) == (200, 200)
