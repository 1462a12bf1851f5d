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

DOCUMENTS = ["docs/python.md", "bindings/python/README.md"]

# What is asked of the application that a section makes, which is to admit three requests.
ASGI = """
from starlette.testclient import TestClient
client = TestClient(app)
answers = [client.get("/").status_code for _ in range(4)]
"""
WSGI = """
from werkzeug.test import Client
client = Client(app)
answers = [client.get("/", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code for _ in range(4)]
"""
DJANGO = """
import django
from django.conf import settings
options = {name: value for name, value in globals().items() if name.isupper()}
settings.configure(**options, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver"])
django.setup()
from django.test import Client
client = Client()
answers = [client.get("/").status_code for _ in range(4)]
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


def sections() -> list[tuple[str, str, list[str]]]:
    """Of every section: the document, the heading, and the blocks as (kind, text)."""
    found = []
    for name in DOCUMENTS:
        heading, blocks, block = name, [], None
        for line in (REPOSITORY / name).read_text().splitlines():
            if block is None and line.startswith("#"):
                found.append((name, heading, blocks))
                heading, blocks = line.lstrip("# "), []
            elif block is None and line.startswith("```"):
                block = [line[3:]]
            elif block is not None and line == "```":
                blocks.append(tuple(block))
                block = None
            elif block is not None:
                block.append(line)
        found.append((name, heading, blocks))
    return found
