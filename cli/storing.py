"""The store that a person means: a farm's own, or one at an address; its check before a farm starts. Knows no terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import click

from cli import farm as farms
from cli.farm import Document, Farm
from cluster import store_doctor, stores
from cluster.clocks import MachineClock
from cluster.farm_home import FarmHome
from jobs.ports import ObjectStore

KINDS = ("BrandProject", "Campaign", "Review")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class Kept:
    """A store, how to open it once more, and the manifests that use it; `knows_manifests` is False where only an address was given."""

    store: ObjectStore
    again: Callable[[], AbstractContextManager[ObjectStore]]
    documents: Callable[[], Sequence[Document]]
    knows_manifests: bool


def of_farm(farm: Farm) -> Kept:
    """The store of a farm. Raises FarmDown where there never was one."""
    farms.require_kept(farm)
    store = farm.store
    return Kept(store, lambda: stores.another(store), lambda: _documents(farm), knows_manifests=True)


def at(address: str, access_key: str, secret_key: str) -> Kept:
    """The store at an address, which must be there. Raises StoreError."""
    store = stores.open_existing(address, access_key=access_key, secret_key=secret_key)
    return Kept(store, lambda: stores.another(store), lambda: (), knows_manifests=False)


def require_sound(home: FarmHome) -> None:
    """Raises StoreUnsound where the store of a home fails a quick check, StoreError where it cannot be opened."""
    store = stores.open_of_home(home)
    with stores.another(store) as second:
        store_doctor.require_sound(store_doctor.examine(store, second, MachineClock(), whole=False))


def _documents(farm: Farm) -> list[Document]:
    return [document for kind in KINDS for document in farm.documents(kind)]


class Span(click.ParamType[float]):
    """A span of time as people write it, `7d`, `12h`, `30m`, `90s`; in seconds."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds of a text; what is a number already stays."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no span of time. Write 7d, 12h, 30m or 90s.", param, ctx)
        return float(found[1]) * _UNITS[found[2]]
