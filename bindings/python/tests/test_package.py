"""The package as it is installed."""

from __future__ import annotations

import doctest
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tidegate
from conftest import REPOSITORY


def test_it_is_the_installed_one() -> None:
    source = REPOSITORY / "bindings" / "python" / "python"
    assert source not in Path(tidegate.__file__).parents


def test_the_version_is_the_workspace_s() -> None:
    manifest = (REPOSITORY / "Cargo.toml").read_text()
    found = re.search(r'^version = "(.*)"$', manifest, re.MULTILINE)
    assert found is not None
    assert tidegate.__version__ == found[1]
    # PyPI writes 1.2.3-rc.1 as 1.2.3rc1.
    assert importlib.metadata.version("tidegate") == re.sub(r"-([a-z]+)\.", r"\1", found[1])


def test_it_says_that_it_is_typed() -> None:
    assert (Path(tidegate.__file__).parent / "py.typed").exists()
    assert (Path(tidegate.__file__).parent / "_tidegate.pyi").exists()


def test_importing_it_imports_no_framework() -> None:
    """Nor anything else that isn't there in the standard library."""
    look = (
        "import sys; before = set(sys.modules); import tidegate, tidegate.asgi, tidegate.wsgi; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", look], capture_output=True, text=True, check=True)
    assert {name for name in ran.stdout.split() if name not in sys.stdlib_module_names} == {"tidegate"}


def test_entry_points_make_the_storages_known() -> None:
    """Nothing of ours is imported but by the entry points that the installed package declares."""
    load = (
        "import sys; from importlib.metadata import entry_points; "
        "from limits.storage import storage_from_string; "
        "points = entry_points(group='limits.storage'); assert 'tidegate' not in sys.modules; "
        "loaded = {point.name: point.load() for point in points}; "
        "print(*sorted(loaded), all(type(storage_from_string(f'{n}://')) is loaded[n] for n in loaded))"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", load], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["async+tidegate", "tidegate", "True"]


@pytest.mark.parametrize("module", ["tidegate", "tidegate._clock", "tidegate._limiter"])
def test_examples_are_true(module: str) -> None:
    names = {
        "Limiter": tidegate.Limiter,
        "ManualClock": tidegate.ManualClock,
        "limiter": tidegate.Limiter("100/minute"),
    }
    __import__(module)
    found = doctest.testmod(sys.modules[module], extraglobs=names)
    assert found.attempted > 0
    assert found.failed == 0
