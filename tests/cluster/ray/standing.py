"""What several tests share for as long as it stands, and is opened again where it has ended. Knows neither Ray nor pytest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Generic, Protocol, TypeVar


class Stands(Protocol):
    def stands(self) -> bool: ...


T = TypeVar("T", bound=Stands)


class Ended(Exception):
    """What was opened has ended by itself, and is only cleared away."""


class Standing(Generic[T]):
    """The one that stands, opened when it is first asked for, and again where it has ended."""

    def __init__(self, opened: Callable[[], AbstractContextManager[T]]) -> None:
        self._opened = opened
        self._context: AbstractContextManager[T] | None = None

    def get(self) -> T:
        if self._context is not None and not self._one.stands():
            self._clear()
        if self._context is None:
            context = self._opened()
            self._one = context.__enter__()
            self._context = context
        return self._one

    def _clear(self) -> None:
        assert self._context is not None
        context, self._context = self._context, None
        with suppress(Ended):
            context.__exit__(Ended, Ended(), None)

    def close(self) -> None:
        """In good order, which says where something is left."""
        if self._context is not None:
            self._context.__exit__(None, None, None)
