"""The machine, the interpreter and the packages of a run."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_PACKAGES = [
    "tidegate",
    "fastapi",
    "limits",
    "pyrate-limiter",
    "rust-py-rate-limit",
    "slowapi",
    "starlette",
    "throttled-py",
    "token-bucket",
]


@dataclass
class Machine:
    date: str
    cpu: str
    said: str
    load: str
    python: str
    commit: str
    packages: dict[str, str]


def here() -> Machine:
    cpu = _field(Path("/proc/cpuinfo"), "model name") or platform.processor() or "unknown"
    kilobytes = int((_field(Path("/proc/meminfo"), "MemTotal") or "0 kB").split()[0])
    memory, cores = kilobytes * 1024 // 1_000_000_000, len(os.sched_getaffinity(0))
    system = f"{platform.system().lower()} {platform.release()} {platform.machine()}"
    return Machine(
        date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        cpu=cpu,
        said=f"{cpu}, {cores} cores, {memory} GB, {system}",
        load=f"{os.getloadavg()[0]:.2f}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        commit=_commit(),
        packages={name: version(name) for name in _PACKAGES},
    )


def _field(path: Path, name: str) -> str | None:
    """The value of `name : value` in the files of `/proc`."""
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == name), None)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    said = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"
