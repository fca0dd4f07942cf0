"""One run on a site: two brands and a campaign applied, watched until they are complete, withdrawn, and held to the promise.

What is done to the farm meanwhile is a scenario's business; here are the moments at which it may happen.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from cluster import uploads
from cluster.ports import JobReport, OwnerReport
from jobs import blobs, keys
from tests import builders
from tests.chaos.bench import STEPS
from tests.chaos.sights import Sight
from tests.chaos.site import Site
from tests.cluster.ray.nodes import until

LOOK_SECONDS = 0.1
STUCK_SECONDS = 120.0
BRANDS = ("socks", "mugs")
WHIM = "whim"
WHIM_STEPS = 200
"""Half a minute: a dispatcher that dies before it has told the worker to let go leaves it to end, or to be found a stranger."""
PLANNED_STEPS = 2 * 3 + 2 * STEPS + 2 * 2 + 12
"""What the two brands and the campaign come to: intakes, trainings, sheets, shots."""


class Stage:
    """A run: its manifests, what was seen of them, and chances that the seed decides."""

    def __init__(self, site: Site, name: str, seed: int) -> None:
        site.runs += 1
        self.site, self.seed, self.name = site, seed, f"r{site.runs}"
        self.ledger = site.ledger(self.name)
        self.random = random.Random(f"{name}/{seed}")
        self.history: list[Sight] = []
        self.uids: dict[str, str] = {}  # by manifest's name, those that last
        self.withdrawn: dict[str, str] = {}
        self._is_over = threading.Event()
        site.door.taken.clear()
        site.forgive()

    # What is wanted.

    def apply(self) -> None:
        """Two brands whose newest version serves, and a campaign of both."""
        for brand in BRANDS:
            self._apply_brand(brand, STEPS)
        looks = [{"brand": self._called(BRANDS[0]), "strength": 0.9}]
        shots = {
            "prompts": ["a photo of a {trigger} {class} on a {place}"],
            "variables": {"place": ["beach", "rooftop"]},
            "sizes": ["64x64"],
            "seeds": {"start": 1, "count": 6},
        }
        self._create("spring", builders.campaign(self._called("spring"), looks=looks, shots=shots))

    def apply_whim(self) -> None:
        """A third brand, whose training would last long."""
        self._apply_brand(WHIM, WHIM_STEPS)

    def worker_at_whim(self) -> str:
        """Whoever trains the third brand, which is not over soon: it surely holds something."""
        return until("the whim is trained", self._at_whim)[0]

    def withdraw_whim(self) -> None:
        """Somebody thought better of it, when its training was under way."""
        self.worker_at_whim()
        self._delete("BrandProject", WHIM)

    def _at_whim(self) -> list[str]:
        reports = self._reports(self.uids[WHIM]).values()
        return [job.worker for job in reports if job.total == WHIM_STEPS and job.done and job.worker]

    def _apply_brand(self, brand: str, steps: int) -> None:
        words = f"{self.name} {brand}".encode()
        file = uploads.UploadedFile(name="a.png", size=len(words), digest=blobs.put(self.site.store, words))
        listing = blobs.put_json(self.site.store, uploads.UploadListing(files=(file,)).model_dump(mode="json"))
        told = {
            "dataset": {"source": uploads.UPLOAD + listing, "rights": {"owner": "Studio A", "basis": "owned"}},
            "recipe": {"steps": steps},
            "judge": {"prompts": ["a photo of a stblsx sock"], "seeds": [7, 21]},
            "gate": {"approvals": 0},
        }
        self._create(brand, builders.project(self._called(brand), **told))

    def _create(self, name: str, document: builders.Document) -> None:
        self.uids[name] = str(self.site.farm.create(document)["metadata"]["uid"])

    def _called(self, name: str) -> str:
        return f"{name}-{self.name}"

    # What is seen.

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Somebody looks at the farm all the time."""
        watching = threading.Thread(target=self._watch)
        watching.start()
        try:
            yield
        finally:
            self._is_over.set()
            watching.join()

    def _watch(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            self.history.append(self._look())

    def _look(self) -> Sight:
        documents = self.documents()
        changes = sum(int(one["metadata"]["resourceVersion"]) for one in documents)
        uids = [uid for name, uid in list(self.uids.items()) if name != WHIM]
        answers = {uid: answer for uid in uids if (answer := self._answer(uid)) is not None}
        jobs = {job: report for answer in answers.values() for job, report in answer.states.items()}
        is_complete = len(uids) > len(BRANDS) and all(map(_is_complete, documents))
        epoch = max((answer.epoch for answer in answers.values()), default=0)
        return Sight(time.time(), jobs, changes, is_complete, epoch, frozenset(answers))

    def documents(self) -> list[builders.Document]:
        """The manifests that last."""
        found = [one for kind in ("BrandProject", "Campaign") for one in self.site.farm.documents(kind)]
        return [one for one in found if one["metadata"]["name"].endswith(f"-{self.name}") and not _is_whim(one)]

    def standing(self) -> str:
        """How every manifest stands, in a few words."""
        statuses = {one["metadata"]["name"]: one.get("status", {}) for one in self.documents()}
        return "; ".join(f"{name} is {said.get('phase')}: {said.get('message')}" for name, said in statuses.items())

    def _reports(self, uid: str) -> dict[str, JobReport]:
        answer = self._answer(uid)
        return {} if answer is None else answer.states

    def _answer(self, uid: str) -> OwnerReport | None:
        """What the dispatcher says of an owner; nothing while there is none, or while it has not heard from that owner."""
        with suppress(httpx.HTTPError):
            answer = self.site.http.get(f"/v1/owners/{uid}").raise_for_status()
            return OwnerReport.model_validate_json(answer.content)
        return None

    @property
    def jobs(self) -> dict[str, JobReport]:
        """Every job's last report."""
        return {job: report for sight in self.history for job, report in sight.jobs.items()}

    def worker_at_work(self) -> str:
        """Whoever holds one of the jobs that are under way, by chance; waits for one."""
        return self.random.choice(until("somebody works", self._leased)).worker

    def _leased(self) -> list[JobReport]:
        jobs = self.history[-1].jobs if self.history else {}
        return [one for _, one in sorted(jobs.items()) if one.state == "leased" and one.worker]

    # When it happens.

    def until_moment(self, latest: int = PLANNED_STEPS - 14) -> int:
        """Waits until so much is done as the seed says; the number of steps."""
        steps = self.random.randint(1, latest)
        until(f"{steps} steps are done", lambda: sum(job.done for job in self.jobs.values()) >= steps, STUCK_SECONDS)
        return steps

    def until_begun_anew(self, worker: str) -> None:
        """Waits until all that a worker held has been given to others."""
        held = {job: one.attempt for job, one in self.history[-1].jobs.items() if one.worker == worker}
        until("its jobs are leased again", lambda: all(self.jobs[job].attempt > old for job, old in held.items()))

    def until_complete(self) -> None:
        """Waits until people have all that they asked for."""
        until(f"{self.name} is complete", lambda: bool(self.history) and self.history[-1].is_complete, STUCK_SECONDS)

    def until_at_rest(self) -> None:
        """Waits until no worker holds anything, and all are there again."""
        until("the workers are at rest", self._is_at_rest, STUCK_SECONDS)

    def _is_at_rest(self) -> bool:
        with suppress(httpx.HTTPError):
            seen = self.site.summary()
            is_idle = seen.leased == seen.waiting == 0 and not any(worker.jobs for worker in seen.workers)
            return is_idle and self.site.is_manned(seen)
        return False

    def withdraw_all(self) -> None:
        """Everything is deleted again, and the farm says that it knows."""
        for name in [name for name in self.uids if name not in self.withdrawn]:
            self._delete("Campaign" if name == "spring" else "BrandProject", name)
        gone = [keys.deleted(uid) for uid in self.uids.values()]
        until("all is withdrawn", lambda: all(self.site.store.exists(key) for key in gone), STUCK_SECONDS)

    def _delete(self, kind: str, name: str) -> None:
        self.withdrawn[name] = self.uids[name]
        self.site.farm.delete(kind, "default", self._called(name))


def _is_whim(document: builders.Document) -> bool:
    return str(document["metadata"]["name"]).startswith(WHIM)


def _is_complete(document: builders.Document) -> bool:
    return document.get("status", {}).get("phase") in ("Ready", "Complete")
