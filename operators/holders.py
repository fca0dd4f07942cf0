"""For whom the dispatcher may hold jobs. Whoever it holds none for need not be told that nothing is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Holders:
    """What this epoch's dispatcher may have heard of; in doubt it has."""

    def __init__(self) -> None:
        self._known: set[str] | None = None  # the uids that it may hold something for; None where nobody has told
        self._free: set[str] = set()  # those that it said it holds nothing for
        self._under_way: set[str] = set()

    def met(self, known: Iterable[str] | None) -> None:
        """Another dispatcher is in charge; `known` are the uids that it holds something for, None where it did not say."""
        self._free = set()
        self._known = None if known is None else {*known, *self._under_way}

    def may_hold(self, uid: str) -> bool:
        """Whether it may hold jobs of a manifest."""
        return uid not in self._free and (self._known is None or uid in self._known)

    @contextmanager
    def telling(self, uid: str) -> Iterator[None]:
        """While a manifest's wanted set is on its way; whether it arrived is not known if it fails."""
        self._free.discard(uid)
        if self._known is not None:
            self._known.add(uid)
        self._under_way.add(uid)
        try:
            yield
        finally:
            self._under_way.discard(uid)

    def holds_nothing(self, uid: str) -> None:
        """It answered that it knows a manifest to want nothing."""
        self._free.add(uid)

    def forget(self, uid: str) -> None:
        """A manifest is no more, and everything of it was withdrawn."""
        self._free.discard(uid)
        if self._known is not None:
            self._known.discard(uid)
