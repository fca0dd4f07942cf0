"""The trainings of a bench: each is prepared piece by piece, then all step together; what is due comes before the next step.

Knows the docket and one resident base, and nothing of chunks and intakes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from jobs import failpoints
from jobs.bases.loading import Base
from jobs.datasets.prepare import Turns, prepare
from jobs.errors import StoreError, StoreUnavailable
from jobs.figures import Figure
from jobs.identity import AskedId
from jobs.ports import Clock, ObjectStore
from jobs.spec import TrainAsk
from jobs.training import checkpoint, finish_training
from jobs.training.prepared import PreparedDataset
from jobs.training.trainer import StepReport, Trainer
from jobs.workbench import training_samples
from jobs.workbench.docket import Docket

LOG_EVERY = 10  # steps


@dataclass(frozen=True)
class Due:
    """Something that a training must do before its next step: sample, checkpoint or finish."""

    what: str
    job: AskedId
    step: int


class Trainings:
    """Up to `resident` trainings on one base, of which `rows` step together. Sample pictures are drawn `batch` at a time."""

    def __init__(
        self, base: Base, store: ObjectStore, clock: Clock, docket: Docket, *, rows: int, resident: int, batch: int
    ) -> None:
        self._base, self._store, self._docket, self._batch = base, store, docket, batch
        self._trainer = Trainer(base, store, resident, clock, seats=rows)
        self._prepared_last = False
        self._preparing: dict[AskedId, Turns] = {}
        self._due: deque[Due] = deque()
        self._sound: dict[AskedId, tuple[str, ...]] = {}  # checkpoints that were read back whole

    @property
    def count(self) -> int:
        """How many there are, those in preparation too."""
        return len(self._preparing) + len(self._trainer.jobs)

    @property
    def is_due(self) -> bool:
        """Whether something must be done before the next step: a sample, a checkpoint, an ending, or a preparation while
        there is a free seat for who is prepared."""
        return bool(self._due) or bool(self._preparing and not self._trainer.is_full)

    @property
    def is_idle(self) -> bool:
        """Whether a turn would do nothing."""
        return not self._due and not self._preparing and self._trainer.is_idle()

    def begin(self, job: AskedId) -> None:
        """Start to prepare a training of the docket."""
        ask = self._docket[job].job.ask
        assert isinstance(ask, TrainAsk)
        self._preparing[job] = prepare(self._store, self._base, ask)

    def turn(self) -> None:
        """What is due, else one fused step; preparations come first while seats are free, then they take turns with steps."""
        if self._due:
            self._do_due()
        elif self._preparing and not (self._trainer.is_full and self._prepared_last):
            self._prepared_last = True
            self._advance(next(iter(self._preparing)))
        else:
            self._prepared_last = False
            self._step()

    def checkpoint(self, job: AskedId) -> tuple[int, int]:
        """Keep a training's state; its step and its steps, (0, 0) while it is in preparation. Raises StoreUnavailable."""
        if job not in self._trainer.jobs:
            return 0, 0
        project = self._trainer.project(job)
        if project.step:
            self._trainer.checkpoint(job)
        return project.step, project.recipe.steps

    def release(self, job: AskedId) -> None:
        """Let go of a training; letting go of what is not here is harmless."""
        self._preparing.pop(job, None)
        self._due = deque(due for due in self._due if due.job != job)
        self._sound.pop(job, None)
        self._trainer.release(job)

    def _advance(self, job: AskedId) -> None:
        try:
            with self._docket.blaming(job):
                self._prepare_on(job)
        except StoreUnavailable:
            self.begin(job)  # anew; what was computed is in the cache
            raise

    def _prepare_on(self, job: AskedId) -> None:
        failpoints.reach("prepare.piece")
        try:
            next(self._preparing[job])
        except StopIteration as ready:
            self._admit(job, ready.value)
            del self._preparing[job]

    def _admit(self, job: AskedId, dataset: PreparedDataset) -> None:
        underway = self._docket[job]
        admission = self._trainer.admit(underway.job, underway.attempt, dataset)
        for sentence in admission.skipped:
            underway.log.line("checkpoint skipped", why=sentence)
        underway.lifecycle("training", resumed_at_step=admission.step)
        if self._trainer.project(job).is_finished:
            self._due.append(Due("finish", job, admission.step))

    def _step(self) -> None:
        failpoints.reach("train.before-step")
        reports = self._trainer.step()
        self._count(reports)
        for report in reports:
            if report.diverged is not None:
                self._docket.fail(report.job, report.diverged)
            else:
                self._tell(report)
                self._due.extend(_dues(report))
        failpoints.reach("train.after-step")

    def _count(self, reports: list[StepReport]) -> None:
        if reports:
            self._docket.tally.add(Figure.FUSED_STEPS)
            self._docket.tally.add(Figure.STEPS, sum(report.diverged is None for report in reports))

    def _tell(self, report: StepReport) -> None:
        if report.step % LOG_EVERY == 0 or report.is_finished:
            self._docket[report.job].log.line(
                "step", step=report.step, steps=report.steps, loss=round(report.loss, 6), fused=report.company
            )
        self._docket.progress(report.job, report.step, report.steps, loss=report.loss, fused=float(report.company))

    def _do_due(self) -> None:
        """The first thing due; it stays due where the store is away."""
        due = self._due[0]
        with self._docket.blaming(due.job):
            {"sample": self._sample, "checkpoint": self._keep, "finish": self._finish}[due.what](due)
        self._due.popleft()

    def _sample(self, due: Due) -> None:
        underway = self._docket[due.job]
        failpoints.reach("train.before-sample")
        bank, slot = self._trainer.rows_for(due.job)
        made = training_samples.draw(
            self._store, self._base, underway.job, due.step, bank, slot, batch_size=self._batch
        )
        failpoints.reach("train.after-sample")
        self._trainer.add_samples(due.job, made)
        underway.log.line("sampled", step=due.step, pictures=len(made))

    def _keep(self, due: Due) -> None:
        failpoints.reach("train.before-checkpoint")
        key = self._trainer.checkpoint(due.job)
        failpoints.reach("train.after-checkpoint")
        self._docket[due.job].lifecycle("checkpoint", step=due.step, key=key)
        self._prune(due.job)

    def _prune(self, job: AskedId) -> None:
        """Old checkpoints go; where they may not be deleted, they stay until a sweep."""
        try:
            pruned = checkpoint.prune(self._store, job, self._sound.get(job, ()))
        except StoreUnavailable:
            raise
        except StoreError as refused:
            self._docket[job].log.line("old checkpoints stay", why=refused.message)
            return
        self._sound[job] = pruned.sound
        if pruned.dropped:
            self._docket[job].log.line("old checkpoints pruned", count=len(pruned.dropped))

    def _finish(self, due: Due) -> None:
        published = finish_training.finish(self._trainer, self._base, self._store, due.job)
        failpoints.reach("train.after-record")
        self._docket[due.job].log.line("trained", adapter=published.body["adapter"], first=published.won)
        self._docket.end(due.job)


def _dues(report: StepReport) -> list[Due]:
    wanted = {
        "sample": report.sample_is_due,
        "checkpoint": report.checkpoint_is_due and not report.is_finished,
        "finish": report.is_finished,
    }
    return [Due(what, report.job, report.step) for what, is_due in wanted.items() if is_due]
