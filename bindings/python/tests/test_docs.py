"""The documents: every Python block runs, prints what stands behind it, and limits as it says."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from conftest import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="segments need Linux")

# What is asked of the application that a section makes, which is to admit three requests.
ASGI = """
from starlette.testclient import TestClient
client = TestClient(app)
"""
WSGI = """
from werkzeug.test import Client, EnvironBuilder
class client(Client):
    get = lambda self, path: Client.get(self, path, environ_base={"REMOTE_ADDR": "192.0.2.1"})
client = client(app)
"""
DJANGO = """
import django
from django.conf import settings
options = {name: value for name, value in globals().items() if name in ("MIDDLEWARE", "TIDEGATE")}
settings.configure(**options, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver"])
django.setup()
from django.test import Client
client = Client()
"""
ASKED = {
    "ASGI": ASGI,
    "FastAPI": ASGI,
    "WSGI": WSGI,
    "Flask": WSGI,
    "Django": DJANGO,
    "Flask-Limiter": WSGI,
    "slowapi": ASGI,
    "django-ratelimit": DJANGO,
}


def sections() -> list[tuple[str, dict[str, str]]]:
    """Of every section its heading, and its blocks joined by what they are."""
    found: list[tuple[str, dict[str, str]]] = []
    for document in ("docs/python.md", "bindings/python/README.md"):
        found.append((document, {}))
        kind = None
        for line in (REPOSITORY / document).read_text().splitlines(keepends=True):
            if kind is not None and line != "```\n":
                found[-1][1][kind] = found[-1][1].get(kind, "") + line
            elif line.startswith("```"):
                kind = line[3:].strip() if kind is None else None
            elif line.startswith("#"):
                found.append((line.strip("# \n"), {}))
    return found


def of_kind(kind: str) -> list[object]:
    return [pytest.param(name, blocks[kind], id=name) for name, blocks in sections() if kind in blocks]


@pytest.mark.parametrize(("heading", "code"), of_kind("python"))
def test_it_runs(heading: str, code: str, tmp_path: Path) -> None:
    program = code.replace("/dev/shm/", f"{tmp_path}/")
    if heading in ASKED:
        program += ASKED[heading] + "print([client.get('/').status_code for _ in range(4)])\n"
    ran = subprocess.run([sys.executable, "-I", "-"], input=program, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    expected = re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE)
    if heading in ASKED:
        expected.append("[200, 200, 200, 429]")
    said = ran.stdout.splitlines()
    assert len(said) == len(expected)
    for line, wanted in zip(said, expected, strict=True):
        begins, cut, _ = wanted.partition("…")
        assert line.startswith(begins) if cut else line == wanted


#: Examples leave types away, ask a denial for its body, and Django has no types.
LENIENT = ["--allow-untyped-defs", "--allow-incomplete-defs", "--allow-untyped-calls"]
LENIENT += ["--allow-untyped-decorators", "--allow-redefinition"]
LENIENT += ["--disable-error-code=union-attr", "--disable-error-code=import-untyped"]


def test_types(tmp_path: Path) -> None:
    for number, (heading, blocks) in enumerate(sections()):
        # Starlette's types don't have slowapi's handler.
        if "python" in blocks and heading != "slowapi":
            name = re.sub(r"\W", "_", heading)
            (tmp_path / f"s{number}_{name}.py").write_text(blocks["python"])
    mypy = [sys.executable, "-m", "mypy", "--strict", *LENIENT, "--cache-dir", ".mypy", "."]
    ran = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(("heading", "code"), of_kind("python before"))
def test_what_was_before_is_python(heading: str, code: str) -> None:
    compile(code, heading, "exec")


def test_every_framework_is_asked() -> None:
    assert set(ASKED) <= {name for name, blocks in sections() if "python" in blocks}
