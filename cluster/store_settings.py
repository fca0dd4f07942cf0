"""What some stores can tell beyond the port, for a check of the store: their settings, their space, a narrower door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jobs.ports import ObjectStore


@dataclass(frozen=True)
class BucketSettings:
    """What a bucket does by itself: keeps deleted versions, forbids deleting, lets objects expire below these prefixes."""

    keeps_versions: bool = False
    is_locked: bool = False
    expires: tuple[str, ...] = ()


@runtime_checkable
class TellsSettings(Protocol):
    """A store with settings of its own."""

    def settings(self) -> BucketSettings:
        """Raises StoreError where they may not be asked for."""


@runtime_checkable
class TellsSpace(Protocol):
    """A store that knows how much more it holds."""

    def free_bytes(self) -> int:
        """Raises StoreUnavailable."""


class Closable(ObjectStore, Protocol):
    """A store that is closed at the end."""

    def close(self) -> None:
        """Lets its connections go."""


@runtime_checkable
class LendsScopes(Protocol):
    """A store that opens a door for one who may touch a prefix only."""

    def scoped(self, prefix: str) -> Closable:
        """Raises StoreError where it cannot."""
