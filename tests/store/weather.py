"""What befalls requests on their way to a server and answers on their way back, one by one or by chance. Knows no connection."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass
from enum import Enum


class Mishap(Enum):
    """What befalls one request."""

    REPLY_LOST = "the server did it, and its answer is lost"
    REPLY_CUT = "the server did it, and half of its answer arrives"
    REQUEST_LOST = "the server never hears of it"
    REQUEST_CUT = "the server hears half of it"
    REQUEST_LATE = "the client is cut off, and the server hears of it later"
    REPLY_IS_503 = "the server did it, and a gateway says 503"
    REPLY_IS_409 = "a gateway says 409 and the server never hears of it"
    SLOW_DOWN = "a busy server asks to slow down and does nothing"
    DISK_FULL = "a server whose disks are full does nothing"


REACHES_THE_SERVER = {Mishap.REPLY_LOST, Mishap.REPLY_CUT, Mishap.REPLY_IS_503}

_REFUSALS = {
    Mishap.REPLY_IS_503: ("503 Service Unavailable", "", ""),
    Mishap.REPLY_IS_409: ("409 Conflict", "", ""),
    Mishap.SLOW_DOWN: ("503 Service Unavailable", "SlowDown", "Please reduce your request rate"),
    Mishap.DISK_FULL: ("507 Insufficient Storage", "XMinioStorageFull", "Storage reached its minimum free threshold"),
}


def refusal(mishap: Mishap, *, is_head: bool) -> bytes:
    """The answer in place of the server's, or nothing: a gateway's has no body, a server's own is in S3's XML."""
    if mishap not in _REFUSALS:
        return b""
    status, code, words = _REFUSALS[mishap]
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{words}</Message></Error>".encode()
    if is_head or not code:
        return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nContent-Type: application/xml\r\n\r\n"
    return head.encode() + body


@dataclass(frozen=True)
class Gusts:
    """Of every `every` requests, the last `length` all meet a mishap: longer than a store's own patience lasts."""

    every: int
    length: int

    def blow(self, request: int) -> bool:
        """Whether request number `request` is in one."""
        return request % self.every >= self.every - self.length


class Weather:
    """What befalls the n-th request, by a seed: with its chance one of the mishaps, and a delay of up to `delay_seconds`."""

    def __init__(
        self, seed: int, chances: dict[Mishap, float], delay_seconds: float = 0.0, gusts: Gusts | None = None
    ) -> None:
        self._random = random.Random(seed)
        self._chances = chances
        self._delay_seconds = delay_seconds
        self._gusts = gusts
        self._lock = threading.Lock()
        self.requests = 0
        self.happened: Counter[Mishap] = Counter()

    def fate(self) -> tuple[Mishap | None, float]:
        """The next request's mishap, if any, and its delay in seconds."""
        with self._lock:
            in_gust = self._gusts is not None and self._gusts.blow(self.requests)
            self.requests += 1
            mishap = self._drawn(in_gust)
            if mishap is not None:
                self.happened[mishap] += 1
            return mishap, self._random.uniform(0, self._delay_seconds)

    def _drawn(self, in_gust: bool) -> Mishap | None:
        mishaps, chances = list(self._chances), list(self._chances.values())
        fair = 0.0 if in_gust else 1 - sum(chances)
        return self._random.choices([*mishaps, None], [*chances, fair])[0]
