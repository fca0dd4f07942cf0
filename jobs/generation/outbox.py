"""Drawn images on their way out, in a bounded pool of threads, so that drawing goes on while they are encoded and kept.

Knows nothing of chunks: a parcel goes in, and comes back as delivered, as refused for good, or stays for another try.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from jobs import failpoints
from jobs.errors import FarmError
from jobs.figures import Tally
from jobs.generation import images
from jobs.generation.images import Image
from jobs.identity import Digest
from jobs.ports import ObjectStore


@dataclass(frozen=True)
class Parcel:
    """The images that one shot gave. The write id makes a second try at the same record harmless."""

    images: tuple[Image, ...]
    write_id: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def key(self) -> tuple[Digest, ...]:
        return tuple(image.recipe.hash for image in self.images)


@dataclass(frozen=True)
class Delivery:
    """A parcel's end: its images are recorded in the store, or `error` says why that can never be."""

    key: tuple[Digest, ...]
    error: FarmError | None = None


@dataclass(frozen=True)
class Collected:
    """What came to an end, and the first trouble that another try may mend; its parcels stay in the outbox."""

    deliveries: list[Delivery]
    trouble: FarmError | None = None


class Outbox:
    """`most_waiting` parcels may be under way before `collect` waits for some to end."""

    def __init__(
        self,
        store: ObjectStore,
        made: Mapping[str, str],
        threads: ThreadPoolExecutor,
        most_waiting: int,
        tally: Tally | None = None,
    ):
        self._store = store
        self._tally = tally or Tally()
        self._made = made
        self._threads = threads
        self._most_waiting = most_waiting
        self._under_way: dict[Future[None], Parcel] = {}
        self._held: list[Parcel] = []

    def send(self, parcel: Parcel) -> None:
        """Start a parcel on its way."""
        self._under_way[self._threads.submit(self._deliver, parcel)] = parcel

    def collect(self, *, all_of_them: bool) -> Collected:
        """The parcels that came to an end since last time; waits while too many are under way, or for every one."""
        self._wait(0 if all_of_them else self._most_waiting)
        ended = [future for future in self._under_way if future.done()]
        deliveries: list[Delivery] = []
        trouble: FarmError | None = None
        for future in ended:
            parcel = self._under_way.pop(future)
            error = _farm_error(future)
            if error is not None and error.retryable:
                self._held.append(parcel)
                trouble = trouble or error
            else:
                deliveries.append(Delivery(parcel.key, error))
        return Collected(deliveries, trouble)

    def try_again(self) -> None:
        """Send the parcels that met with trouble once more; their images are not drawn again."""
        held, self._held = self._held, []
        for parcel in held:
            self.send(parcel)

    def holds(self, key: tuple[Digest, ...]) -> bool:
        """Whether the images of that key are under way, or held for another try."""
        return any(parcel.key == key for parcel in (*self._under_way.values(), *self._held))

    def _wait(self, most_waiting: int) -> None:
        while sum(not future.done() for future in self._under_way) > most_waiting:
            wait([future for future in self._under_way if not future.done()], return_when=FIRST_COMPLETED)

    def _deliver(self, parcel: Parcel) -> None:
        for number, image in enumerate(parcel.images):
            failpoints.reach("outbox.before-image")
            images.record(self._store, image, self._made, f"{parcel.write_id}-{number}", self._tally)
            failpoints.reach("outbox.after-image")


def _farm_error(future: Future[None]) -> FarmError | None:
    """The farm's own error that ended a delivery, or None; whatever else went wrong is raised."""
    error = future.exception()
    if error is None or isinstance(error, FarmError):
        return error
    raise error
