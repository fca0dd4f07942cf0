"""A store with work to do, and workers that are killed at it until it is done. Free of torch: the work is in forked children.

Every run of a scene comes to the same results as one that nothing happened to, which `Scene.results` tells by digests.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.folder_store import FolderStore
from jobs import blobs, publish
from jobs.finish_steps import Colour, FinishStep
from jobs.shots import AdapterUse, Look, Plan, Sampling
from jobs.spec import GenerateAsk, Hints, IntakeAsk, Job, JobKind, Placement, Samples
from tests.faults.forks import Ended, Forks
from tests.faults.model_check import violations
from tests.jobs import bench as given

MOST_STARTS = 100
"""A scene that takes more makes no progress."""

PLACES: dict[JobKind, tuple[str, ...]] = {
    JobKind.INTAKE: (
        "worker.begin",
        "worker.before-turn",
        "worker.after-turn",
        "intake.picture",
        "blobs.before-put",
        "publish.before-create",
        "publish.after-create",
    ),
    JobKind.TRAIN: (
        "prepare.piece",
        "train.before-step",
        "train.after-step",
        "train.before-sample",
        "train.after-sample",
        "train.before-checkpoint",
        "checkpoint.before-pointer",
        "train.after-checkpoint",
        "train.before-export",
        "train.before-record",
        "train.after-record",
        "worker.after-turn",
        "blobs.before-put",
        "publish.before-create",
        "publish.after-create",
    ),
    JobKind.GENERATE: (
        "chunk.before-admission",
        "chunk.before-batch",
        "chunk.after-batch",
        "outbox.before-image",
        "outbox.after-image",
        "chunk.before-record",
        "chunk.after-record",
        "worker.after-turn",
        "blobs.before-put",
        "publish.before-create",
        "publish.after-create",
    ),
}
"""The places that a job of each kind comes by; between them, every place of a worker."""

OFTEN = frozenset(
    {
        "intake.picture",
        "prepare.piece",
        "train.before-step",
        "train.after-step",
        "outbox.before-image",
        "outbox.after-image",
    }
    | {"worker.before-turn", "worker.after-turn", "blobs.before-put"}
)
"""Those that every job of their kind comes by three times or more."""


@dataclass
class Scene:
    """One job of each kind over one store; `done` are the ids that were ever reported as finished."""

    forks: Forks
    folder: Path
    jobs: dict[JobKind, Job]
    done: set[str] = field(default_factory=set)
    attempt: int = 0

    @classmethod
    def furnished(cls, forks: Forks, folder: Path, prior: float = 0.0) -> Scene:
        """A fresh one: three pictures to take in, six steps of a training, six shots of a base and a brand."""
        store = FolderStore(folder / "store")
        (adapter,) = forks.do("furnish", store=str(store.root)).result
        dataset = given.put_dataset(store, 3)
        intake = Job(ask=IntakeAsk(source="upload://1", listing="l", trigger=given.TRIGGER, min_images=2))
        hints = Hints(
            checkpoint_every=2,
            samples=Samples(every=3, prompts=("a zigzag sock",), seeds=(1,), sampling=Sampling(steps=2)),
        )
        training = given.training(dataset, 1, steps=6, rank=4, prior=prior).model_copy(update={"hints": hints})
        plan = blobs.put_json(store, _plan(adapter).model_dump(mode="json"))
        chunk = Job(ask=GenerateAsk(plan=plan, start=0, stop=6), placement=Placement(base=given.BASE))
        return cls(forks, folder, {job.kind: job for job in (intake, training, chunk)})

    def copy(self, folder: Path) -> Scene:
        """The same with a store of its own, in a folder that is made."""
        shutil.copytree(self.folder, folder)
        return Scene(self.forks, folder, dict(self.jobs), set(self.done), self.attempt)

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder / "store")

    def start(self, plan: str, *kinds: JobKind, seed: int = 0) -> Ended:
        """One worker, armed with a plan, holds the jobs of those kinds (all where none is named) until they end or it dies."""
        self.attempt += 1
        ended = self.forks.do(
            "be_worker",
            store=str(self.folder / "store"),
            jobs=[self.jobs[kind].model_dump(mode="json") for kind in kinds or self.jobs],
            attempt=self.attempt,
            reported=str(self.folder / "reported"),
            plan=plan,
            seed=seed,
            ledger=str(self.ledger),
        )
        reported = self.folder / "reported"
        self.done |= set(reported.read_text().split()) if reported.exists() else set()
        return ended

    @property
    def ledger(self) -> Path:
        """What has happened to its workers: a file for each blow."""
        folder = self.folder / "ledger"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def blows(self) -> set[str]:
        return {path.name for path in self.ledger.iterdir()}

    def until_done(self, plan: str, *kinds: JobKind, seed: int = 0) -> list[Ended]:
        """Workers one after another, each armed with the plan, until one ends with everything done."""
        starts: list[Ended] = []
        while not starts or not is_whole(starts[-1]):
            assert len(starts) < MOST_STARTS, f"no progress under {plan}: {starts[-3:]}"
            starts.append(self.start(plan, *kinds, seed=seed + len(starts)))
        return starts

    def violations(self, *kinds: JobKind) -> list[str]:
        """What the model check finds, of the jobs of those kinds."""
        return violations(self.store, [self.jobs[kind] for kind in kinds or self.jobs], self.done)

    def results(self, *kinds: JobKind) -> dict[str, str]:
        """What everything came to, by digests: the dataset, the adapter, every image."""
        return {key: result for kind in kinds or tuple(self.jobs) for key, result in self._result(kind).items()}

    def _result(self, kind: JobKind) -> dict[str, str]:
        record = publish.read(self.store, self.jobs[kind].record_key) or {}
        match kind:
            case JobKind.INTAKE:
                return {"dataset": record["dataset"]}
            case JobKind.TRAIN:
                return {name: record[name] for name in ("adapter", "losses", "samples")}
            case JobKind.GENERATE:
                return {key: (publish.read(self.store, key) or {})["digest"] for key in self.store.list("image/")}


def is_whole(ended: Ended) -> bool:
    """Whether a worker lived until its jobs had ended, and all had ended well."""
    return not ended.signal and all(trouble is None for trouble in ended.result.values())


def troubles(ended: Ended) -> list[dict[str, Any]]:
    """Of a worker that lived: why jobs failed."""
    return [trouble for trouble in ended.result.values() if trouble is not None]


def _plan(adapter: str) -> Plan:
    finish = (FinishStep(colour=Colour(contrast=10)),)
    return Plan(
        base=given.BASE,
        looks=(
            Look(label="base", trigger=given.TRIGGER, class_name="sock"),
            Look(label="v1", adapters=(AdapterUse(digest=adapter, strength=0.8),), class_name="sock", finish=finish),
        ),
        prompts=("a photo of a {class} on the beach",),
        sizes=((given.SIDE, given.SIDE),),
        seeds=(1, 2, 3),
        sampling=Sampling(steps=2, guidance=3.0),
        keep_raw=True,
    )
