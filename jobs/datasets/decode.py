"""Hands untrusted files to the decoding child, within limits on bytes, pixels, memory and time. Decodes nothing itself."""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Limits:
    """What one picture may take: bytes of file, pixels, bytes of memory, seconds."""

    file_bytes: int = 64 * 2**20
    pixels: int = 64_000_000
    memory_bytes: int = 2 * 2**30
    seconds: float = 20.0


@dataclass(frozen=True)
class Decoded:
    """A clean picture: its PNG, its size in pixels, and the digest of its decoded pixels, which is its identity."""

    png: bytes
    width: int
    height: int
    pixels: str


@dataclass(frozen=True)
class Refusal:
    """Why a file was not taken, for a person."""

    reason: str


class Decoder:
    """A decoding child, started when first needed and started anew after it died or was too slow. Close it, or use `with`."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._child: subprocess.Popen[bytes] | None = None

    def decode(self, data: bytes) -> Decoded | Refusal:
        """One file's picture, or why it was refused. Never raises for what a file holds."""
        if len(data) > self._limits.file_bytes:
            return Refusal(f"{len(data):,} bytes; at most {self._limits.file_bytes:,} are taken")
        if not data:
            return Refusal("the file is empty")
        try:
            return self._ask(data, time.monotonic() + self._limits.seconds)
        except TimeoutError:
            self.close()
            return Refusal(f"decoding took more than {self._limits.seconds:.0f} seconds")
        except (BrokenPipeError, EOFError):
            self.close()
            return Refusal("decoding it ended the decoder: too much memory, or a broken file")

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, data: bytes, deadline: float) -> Decoded | Refusal:
        child = self._child or self._start()
        assert child.stdin is not None
        child.stdin.write(struct.pack(">Q", len(data)) + data)
        child.stdin.flush()
        answer = json.loads(self._read_line(deadline))
        png = self._read(int(answer["bytes"]), deadline)
        if "refused" in answer:
            return Refusal(answer["refused"])
        return Decoded(png, answer["width"], answer["height"], answer["pixels"])

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jobs.datasets.decode_child",
                str(self._limits.pixels),
                str(self._limits.memory_bytes),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        return self._child

    def _read_line(self, deadline: float) -> bytes:
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self._some(1, deadline)
        return bytes(line)

    def _read(self, count: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            data += self._some(count - len(data), deadline)
        return bytes(data)

    def _some(self, most: int, deadline: float) -> bytes:
        assert self._child is not None
        assert self._child.stdout is not None
        descriptor = self._child.stdout.fileno()
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise TimeoutError
        data = os.read(descriptor, most)
        if not data:
            raise EOFError
        return data
