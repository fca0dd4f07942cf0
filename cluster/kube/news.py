"""Brings changes to everybody who watches: the newest of each document, never one whose write is still under way.

A writer so knows its own write before it hears of it. Knows no server.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager

from cluster.ports import Change

Place = tuple[str, str, str]  # kind, namespace, name


class _Listener:
    def __init__(self, first: Iterable[Change]) -> None:
        self.pending = {_key(change): change for change in first}
        self.bell = asyncio.Event()


class News:
    """Changes on their way to those who watch."""

    def __init__(self) -> None:
        self._listeners: list[_Listener] = []
        self._writing = Counter[Place]()

    def tell(self, changes: Iterable[Change]) -> None:
        """These have happened."""
        for change in changes:
            for listener in self._listeners:
                listener.pending.pop(_key(change), None)  # what is told goes behind what waits already
                listener.pending[_key(change)] = change
        self._ring()

    @contextmanager
    def held(self, place: Place) -> Iterator[None]:
        """A write is under way; what is told of its place waits until it is over."""
        self._writing[place] += 1
        try:
            yield
        finally:
            self._writing[place] -= 1
            if not self._writing[place]:
                del self._writing[place]
            self._ring()

    async def watch(self, first: Iterable[Change]) -> AsyncGenerator[Change, None]:
        """These, and then all that is told, for ever."""
        listener = _Listener(first)
        self._listeners.append(listener)
        try:
            while True:
                listener.bell.clear()
                while key := self._next(listener):
                    yield listener.pending.pop(key)
                await listener.bell.wait()
        finally:
            self._listeners.remove(listener)

    def _next(self, listener: _Listener) -> tuple[Place, str] | None:
        return next((key for key in listener.pending if key[0] not in self._writing), None)

    def _ring(self) -> None:
        for listener in self._listeners:
            listener.bell.set()


def _key(change: Change) -> tuple[Place, str]:
    return (change.kind, change.namespace, change.name), change.uid
