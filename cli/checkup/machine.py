"""This machine as the farm meets it: Python, libraries, GPU, processors, memory, and what the environment says.

Each look is a function from what was read to a finding; torch is asked in a process of its own, and only where there is a GPU.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import metadata

from cli.checkup.finding import Finding, failed, passed, warned

LIBRARIES = {
    "torch": ("for workers: training and drawing", "brandfarm[worker]"),
    "diffusers": ("for workers: the models' parts", "brandfarm[worker]"),
    "ray": ("for `brandfarm up`: it carries the workers", "brandfarm[dispatcher]"),
    "minio": ("for a store in a bucket", "brandfarm"),
}
OLDEST_PYTHON = (3, 11)
CROWDED = 4.0  # processes that want to run, for each CPU: from here on starts take minutes
LEAST_MEMORY_BYTES = 2 * 10**9  # Ray's head, dispatcher, controller and one worker with the tiny base take about 1.5 GB
GPU_SECONDS = 30.0  # a busy machine takes that long to import torch

_SECRET = re.compile(r"(^|_)(TOKEN|SECRET|KEY|PASSWORD)(_|$)")
_CREDENTIALS = re.compile(r"://[^/@\s]*@")
_ASK_TORCH = "import torch; print(torch.cuda.device_count() if torch.cuda.is_available() else 0, torch.__version__)"

Run = Callable[[list[str]], str | None]


def findings() -> list[Finding]:
    """All of this machine, in order."""
    import psutil

    memory = psutil.virtual_memory()
    return [
        python(sys.version_info[:3], sys.executable),
        *(library(name, installed(name)) for name in LIBRARIES),
        gpu(answer_of),
        processors(os.cpu_count() or 1, os.getloadavg()[0]),
        room_in_memory(memory.available, memory.total),
        environment(os.environ),
    ]


def of_a_terminal() -> list[Finding]:
    """What matters of this machine where the farm is elsewhere."""
    return [python(sys.version_info[:3], sys.executable), environment(os.environ)]


def python(version: tuple[int, ...], executable: str) -> Finding:
    """Whether this Python is one that brandfarm runs on."""
    told = f"{'.'.join(map(str, version))} at {executable}, {platform.system()} {platform.machine()}"
    if tuple(version[:2]) < OLDEST_PYTHON:
        return failed("python", told, "Install brandfarm with Python 3.11 or newer.")
    return passed("python", told)


def installed(name: str) -> str | None:
    """A library's version, None where it is not installed. It is not imported."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def library(name: str, version: str | None) -> Finding:
    """Whether a library is there, and what it is for."""
    purpose, extra = LIBRARIES[name]
    if version is None:
        return warned(
            name, f"not installed, {purpose}", f"Where that is wanted on this machine: pip install '{extra}'."
        )
    return passed(name, f"{version}, {purpose}")


def gpu(run: Run) -> Finding:
    """Which GPUs the driver shows, and whether torch sees as many."""
    shown = run(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"])
    cards = [line.strip() for line in (shown or "").splitlines() if line.strip()]
    if not cards:
        return passed("gpu", "none seen: workers use the CPU, which does for the tiny base only")
    told = "; ".join(cards)
    asked = run([sys.executable, "-P", "-c", _ASK_TORCH])
    if asked is None:
        return warned("gpu", f"{told}; torch could not be asked", "See the line of torch above.")
    seen, version = asked.split()
    if int(seen) < len(cards):
        return failed(
            "gpu", f"{told}; torch {version} sees {seen} of {len(cards)}",
            "Install a torch for this driver's CUDA, and look at CUDA_VISIBLE_DEVICES.",
        )  # fmt: skip
    return passed("gpu", f"{told}; torch {version} sees {'it' if len(cards) == 1 else 'all of them'}")


def answer_of(command: list[str]) -> str | None:
    """What a program prints, None where there is none, where it fails, or where it takes too long."""
    if shutil.which(command[0]) is None:
        return None
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=GPU_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    return ended.stdout if ended.returncode == 0 else None


def processors(count: int, load: float) -> Finding:
    """How many CPUs, and how many processes want them."""
    told = f"{count} CPUs, load {load:.1f}"
    if load > CROWDED * count:
        return warned("processors", told, "Others want these CPUs: starts take minutes, and work goes slowly.")
    return passed("processors", told)


def room_in_memory(available: int, total: int) -> Finding:
    """Whether a farm of one small worker fits into what is free."""
    told = f"{available / 1e9:.1f} GB of {total / 1e9:.1f} GB are free"
    if available < LEAST_MEMORY_BYTES:
        return warned("memory", told, "A farm with one small worker takes about 1.5 GB: end other programs.")
    return passed("memory", told)


def environment(variables: Mapping[str, str]) -> Finding:
    """The variables that brandfarm reads; secrets are not shown."""
    ours = {name: _masked(name, value) for name, value in sorted(variables.items()) if name.startswith("BRANDFARM_")}
    told = ", ".join(f"{name}={value}" for name, value in ours.items()) or "no BRANDFARM_ variable is set"
    if ours.get("BRANDFARM_FAILPOINTS"):
        return warned(
            "environment", told, "BRANDFARM_FAILPOINTS makes parts fail on purpose: unset it for earnest work."
        )
    return passed("environment", told)


def _masked(name: str, value: str) -> str:
    if _SECRET.search(name) and not name.endswith("_FILE"):
        return "***"
    return _CREDENTIALS.sub("://***@", value)
