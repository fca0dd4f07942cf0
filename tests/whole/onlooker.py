"""Somebody who looks at the farm all the time and remembers what it said: what was done stays done, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cli.kube_farm import KubeFarm
from jobs.errors import FarmError
from tests.chaos import promise
from tests.whole import work
from tests.whole.site import CONTEXT, STUDIO, Site

LOOK_SECONDS = 1.0

Document = dict[str, Any]


class Onlooker:
    """What was seen: jobs reported done by id, shots counted by campaign, versions by brand."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._is_over = threading.Event()
        self.done: set[str] = set()
        self.shots: dict[str, int] = {}
        self.taken_back: list[str] = []
        self.looks = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """In a thread of its own."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()

    def broken_promises(self) -> list[str]:
        """A sentence for everything that was lost, doubled or taken back. The farm must be at rest."""
        documents = [one for kind in ("BrandProject", "Campaign") for one in _listed(self._site, kind)]
        uids = {kind: [_uid(one) for one in documents if one["kind"] == kind] for kind in ("BrandProject", "Campaign")}
        store = self._site.store
        return [
            *self.taken_back,
            *promise.lost(store, self.done, uids["Campaign"]),
            *promise.doubles(work.writings(self._site)),
            *promise.numbered_otherwise(store, uids["BrandProject"]),
        ]

    def _watch(self) -> None:
        farm = KubeFarm(CONTEXT, kubeconfig=self._site.cluster.kubeconfig)
        try:
            while not self._is_over.wait(LOOK_SECONDS):
                with suppress(FarmError):
                    self._look(farm)
        finally:
            farm.close()

    def _look(self, farm: KubeFarm) -> None:
        documents = [*farm.documents("BrandProject", STUDIO), *farm.documents("Campaign", STUDIO)]
        for one in documents:
            self._count(one)
        for one in documents:
            self.done |= {job for job, report in farm.standing(_uid(one)).items() if report.state == "done"}
        self.looks += 1

    def _count(self, document: Document) -> None:
        name, shots = document["metadata"]["name"], document.get("status", {}).get("shots", {})
        finished = shots.get("made", 0) + shots.get("reused", 0)
        if finished < self.shots.get(name, 0):
            self.taken_back.append(f"{name} had {self.shots[name]} shots and then {finished}")
        self.shots[name] = max(finished, self.shots.get(name, 0))


def _listed(site: Site, kind: str) -> list[Document]:
    farm = KubeFarm(CONTEXT, kubeconfig=site.cluster.kubeconfig)
    try:
        return farm.documents(kind, STUDIO)
    finally:
        farm.close()


def _uid(document: Document) -> str:
    return str(document["metadata"]["uid"])
