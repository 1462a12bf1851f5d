"""Real servers for the tests, on a free port of 127.0.0.1, which end with the test."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = Path(__file__).parent / "apps"


class Answer:
    """A response that has been read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


class Server:
    def __init__(self, port: int) -> None:
        self.port = port

    def ask_each(self, workers: int, path: str = "/", **headers: str) -> list[Answer]:
        """One request to each of so many workers; what they answer is their process's number.

        Who has answered is stopped until all have, so that luck has no say in who is asked.
        """
        stopped: dict[int, Answer] = {}
        try:
            for _ in range(workers):
                answer = self.ask(path, **headers)
                stop(int(answer.body))
                stopped[int(answer.body)] = answer
        finally:
            for worker in stopped:
                os.kill(worker, signal.SIGCONT)
        assert len(stopped) == workers
        return list(stopped.values())

    def ask(self, path: str = "/", method: str = "GET", body: object = None, **headers: str) -> Answer:
        """One request on a connection of its own; `x_api_key="…"` is the header X-API-Key."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=names)  # type: ignore[arg-type]
            return Answer(connection.getresponse())


def stop(process: int) -> None:
    """Returns when it stands still, not when it has been told to."""
    os.kill(process, signal.SIGSTOP)
    state = Path(f"/proc/{process}/stat")
    while state.read_text().rpartition(")")[2].split()[0] in "RSD":
        pass


@contextlib.contextmanager
def serving(*command: str, **environment: str) -> Iterator[Server]:
    """Runs `python -m command…`, in which `{fd}` is a socket that listens, until the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        fd = listener.fileno()
        running = subprocess.Popen(
            [sys.executable, "-m", *(part.format(fd=fd) for part in command)],
            pass_fds=[fd],
            env={**os.environ, **environment, "PYTHONPATH": str(APPS), "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        port = listener.getsockname()[1]
        try:
            server = Server(port)
            until_ready(server, running)
            yield server
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()


def until_ready(server: Server, running: subprocess.Popen[bytes]) -> None:
    # The socket listens already: the answer comes when the server does.
    for _ in range(200):
        assert running.poll() is None, "the server has ended"
        with contextlib.suppress(OSError, http.client.HTTPException):
            server.ask("/ready")
            return
        time.sleep(0.05)
    raise AssertionError("the server does not answer")


def uvicorn(app: str, workers: int = 1, **environment: str) -> contextlib.AbstractContextManager[Server]:
    # A worker that a test has stopped is not dead.
    options = ("--fd", "{fd}", "--log-level", "warning", "--workers", str(workers))
    options += ("--timeout-worker-healthcheck", "60")
    # It would read the proxies' headers itself, which is for us to do.
    options += ("--no-proxy-headers",)
    return serving("uvicorn", app, *options, **environment)


def gunicorn(app: str, workers: int = 1, **environment: str) -> contextlib.AbstractContextManager[Server]:
    options = (
        "--bind",
        "fd://{fd}",
        "--log-level",
        "warning",
        "--workers",
        str(workers),
        "--no-control-socket",
    )
    return serving("gunicorn", *options, app, **environment)


def waitress(**environment: str) -> contextlib.AbstractContextManager[Server]:
    return serving("waitress_app", "{fd}", **environment)
