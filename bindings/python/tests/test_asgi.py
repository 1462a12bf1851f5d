"""The ASGI middleware under uvicorn when a worker dies, and beside Starlette's own middlewares."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from typing import TYPE_CHECKING

from serving import Server, uvicorn
from tidegate import Limiter

if TYPE_CHECKING:
    from pathlib import Path


def test_a_killed_worker_admits_nothing_more(tmp_path: Path) -> None:
    """Each of four takes one, then eight clients come at full speed, and one of the four is killed."""
    answers: list[int] = []
    lost: list[Exception] = []

    def client(server: Server) -> None:
        for _ in range(40):
            try:
                answers.append(server.ask(host="around.workers", x_api_key="hot").status)
            except (OSError, http.client.HTTPException) as error:
                lost.append(error)

    with uvicorn("asgi_app:app", workers=4, SEGMENTS=str(tmp_path)) as server:
        first = server.ask_each(4, host="around.workers", x_api_key="hot")
        assert [answer.headers["X-RateLimit-Remaining"] for answer in first] == ["99", "98", "97", "96"]
        clients = [threading.Thread(target=client, args=(server,)) for _ in range(8)]
        for thread in clients:
            thread.start()
        os.kill(int(first[0].body), signal.SIGKILL)
        for thread in clients:
            thread.join()
    admitted = 4 + answers.count(200)
    assert set(answers) == {200, 429}
    assert Limiter("100/hour", segment=tmp_path / "around.workers.").peek("hot").remaining == 0
    # Who was answered by nobody may have been admitted.
    assert admitted <= 100 <= admitted + len(lost)
