"""The options of the frameworks, as type checkers see them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING

from tidegate._typing import Options
from tidegate.http import Gate

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import flask
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
import tidegate.asgi, tidegate.django, tidegate.fastapi, tidegate.flask, tidegate.wsgi
from tidegate import Limiter
from tidegate.http import api_key

limiter = Limiter("1/minute")
starlette = Starlette(middleware=[Middleware(tidegate.asgi.RateLimitMiddleware, limiter=limiter, {options})])
starlette.add_middleware(tidegate.asgi.RateLimitMiddleware, limiter=lambda request: limiter, {options})
FastAPI().add_middleware(tidegate.asgi.RateLimitMiddleware, limiter, {options})
Depends(tidegate.fastapi.RateLimit(limiter, {options}))
app = flask.Flask("app")
tidegate.wsgi.RateLimitMiddleware(app.wsgi_app, limiter, {options})
limits = tidegate.flask.RateLimit(limiter, app, {options})
limits.limit(limiter, {options})
tidegate.django.rate_limit(limiter, {options})
"""
USES = PROGRAM.count("{options}")


def errors(options: str, directory: Path) -> list[str]:
    """What mypy says of all uses with these options."""
    (directory / "program.py").write_text(PROGRAM.replace("{options}", options))
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", ".mypy", "program.py"]
    ran = subprocess.run(mypy, cwd=directory, capture_output=True, text=True)
    return [line for line in ran.stdout.splitlines() if ": error: " in line]


def test_the_options_of_all_frameworks(tmp_path: Path) -> None:
    every = "key=api_key(), cost=2, exempt=['/health', lambda request: request.path == '/'], style='ietf'"
    assert errors(f"{every}, expose_headers=True, max_body=9, retry_jitter=1, fail_open=True", tmp_path) == []
    assert len(errors("exmept=['/health']", tmp_path)) == USES
    assert len(errors("max_body='9'", tmp_path)) == USES


def test_they_are_those_of_a_gate() -> None:
    of_gate = inspect.signature(Gate.__new__).parameters.values()
    assert [*Options.__annotations__] == [
        option.name for option in of_gate if option.kind is option.KEYWORD_ONLY
    ]
