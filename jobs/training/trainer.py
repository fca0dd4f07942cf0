"""The trainer: projects in rows of one bank, stepped together over one resident base. Knows no lease, queue or picture.

One step is one call of the UNet for all of a company's samples, one backward pass, one vectorised AdamW. Projects join and
leave between steps; one whose loss is no longer a number stops alone, and its neighbours do not change by a bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from jobs.adapters.bank import NO_ADAPTER, Bank
from jobs.bases import families
from jobs.bases.loading import Base
from jobs.errors import Diverged, OutOfMemory, RecipeInvalid
from jobs.identity import AskedId
from jobs.ports import Clock, ObjectStore
from jobs.records import Sample
from jobs.spec import Job, TrainAsk
from jobs.training import checkpoint as checkpoints
from jobs.training import company, fused, optimizer
from jobs.training.loss import NoiseSchedule
from jobs.training.prepared import PreparedDataset
from jobs.training.project import Project, Shape, check
from jobs.training.rows import TrainingRows


@dataclass(frozen=True)
class Admission:
    """Where an admitted training goes on: after `step` updates, with the samples made by then.

    skipped: what was not whole among its checkpoints, one sentence each, to be said aloud.
    """

    step: int
    samples: tuple[Sample, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class StepReport:
    """What one fused step was to one project: `step` of `steps` done, its own loss, how many projects were in company.

    Where sample_is_due, make the pictures and hand them to `add_samples` before writing the checkpoint that is due.
    diverged: the project stopped here, its row as before the step; release it.
    """

    job: AskedId
    attempt: int
    step: int
    steps: int
    loss: float
    company: int
    is_finished: bool
    sample_is_due: bool
    checkpoint_is_due: bool
    diverged: Diverged | None = None


class Trainer:
    """Fused training on one base: `slots` trainings can be resident, `seats` of them step together, at most eight.

    Called from one thread.
    """

    def __init__(
        self, base: Base, store: ObjectStore, slots: int, clock: Clock, seats: int = company.SIZES[-1]
    ) -> None:
        self._base, self._store, self._slots, self._clock = base, store, slots, clock
        self._seats = min(seats, company.SIZES[-1])
        self._joined = 0
        self._schedule = NoiseSchedule.of(base.scheduler_config)
        self._rows = TrainingRows(base, slots)
        self._projects: dict[AskedId, Project] = {}
        self._round = 0

    # Joining and leaving

    @property
    def free_rows(self) -> int:
        """How many trainings it can still take."""
        return self._slots - len(self._projects)

    @property
    def jobs(self) -> list[AskedId]:
        """The trainings it holds, in the order of joining."""
        return list(self._projects)

    @property
    def is_full(self) -> bool:
        """Whether as many trainings wait for a step as can step together."""
        return sum(project.candidate().is_waiting for project in self._projects.values()) >= self._seats

    def is_idle(self) -> bool:
        """Whether a step would do nothing: no training it holds has steps left."""
        return not any(project.candidate().is_waiting for project in self._projects.values())

    def admit(self, job: Job, attempt: int, dataset: PreparedDataset) -> Admission:
        """Take a training into a free row, resuming from its newest sound checkpoint.

        Raises RecipeInvalid where it cannot be trained on this base, OutOfMemory where no row is free, StoreUnavailable.
        """
        assert isinstance(job.ask, TrainAsk), f"a trainer cannot do a job of kind {job.kind}"
        assert job.id not in self._projects, f"{job.id} is here already"
        self._require_room(job.ask)
        check(job.ask.recipe, dataset)
        found = checkpoints.newest(self._store, job.id)
        slot = self._rows.take(job.ask.recipe)
        project = Project(
            job,
            attempt,
            slot,
            dataset.to(self._base.device, self._rows.dtype),
            joined=self._joined,
            last_round=self._round,
        )
        if found.checkpoint is not None:
            self._rows.restore(slot, found.checkpoint.row)
            _resume(project, found.checkpoint)
        self._projects[job.id] = project
        self._joined += 1
        return Admission(project.step, tuple(project.samples), found.skipped)

    def release(self, job_id: AskedId) -> None:
        """Let go of a training; its row is free again. Letting go of what is not here is harmless."""
        project = self._projects.pop(job_id, None)
        if project is None:
            return
        self._rows.give_back(project.slot)

    # Stepping

    def step(self) -> list[StepReport]:
        """One fused step of one company; a report for each project in it, none where nobody waits. Raises OutOfMemory."""
        chosen = company.choose([project.candidate() for project in self._projects.values()], self._round, self._seats)
        if chosen is None:
            return []
        self._round += 1
        began = self._clock.monotonic()
        by_slot = {project.slot: project for project in self._projects.values()}
        projects = [by_slot[slot] for slot in chosen.slots]
        try:
            losses = self._update(projects, chosen)
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                f"A fused step of {len(projects)} trainings did not fit into the device's memory: {str(error).splitlines()[0]}",
                hint="Give this worker's class fewer training rows, or the recipe a smaller batch or resolution.",
            ) from error
        seconds = self._clock.monotonic() - began
        return [self._report(project, loss, chosen, seconds) for project, loss in zip(projects, losses, strict=True)]

    def _update(self, projects: Sequence[Project], chosen: company.Company) -> list[float]:
        """The losses; nan for a project whose row was left as it was."""
        # 1. The batch of all, and the rows that its samples wear; padding wears none.
        batch = fused.assemble(projects, chosen.rows, self._schedule)
        padding = [NO_ADAPTER] * (chosen.rows - len(projects))
        rows = torch.tensor([*chosen.slots, *padding], device=self._base.device)
        # 2. One call, one backward pass: each project's mean, then their sum.
        losses, gradient = self._gradient(batch, rows, chosen.bucket.batch)
        # 3. Who is still sound may move.
        sound = torch.isfinite(losses) & torch.isfinite(optimizer.norms(gradient)[: len(projects)])
        active = torch.zeros(chosen.rows, dtype=torch.bool, device=rows.device)
        active[: len(projects)] = sound
        paces = [optimizer.pace(project.recipe, project.step + 1) for project in projects]
        paces += [optimizer.STILL] * len(padding)
        self._rows.update(rows, gradient, paces, active)
        return torch.where(sound, losses, torch.nan).tolist()

    def _gradient(self, batch: fused.FusedBatch, rows: Tensor, each: int) -> tuple[Tensor, Tensor]:
        base = self._base
        told = families.of(base).unet_arguments(batch.told.to(base.device, base.dtype))
        with torch.enable_grad(), self._rows.bank.rows(rows, each=each) as active:
            predicted = base.unet(batch.noisy.to(base.dtype), batch.timesteps, **told, return_dict=False)[0]
            losses = batch.losses(predicted)
            torch.autograd.backward(losses.sum())
        return losses.detach(), active.gradient()

    def _report(self, project: Project, loss: float, chosen: company.Company, seconds: float) -> StepReport:
        project.last_round = self._round
        if not math.isnan(loss):
            layout = self._rows.bank.layout
            shape = Shape(project.step, chosen.rows, chosen.bucket.batch, layout.rank, layout.width)
            project.stepped(loss, shape, seconds / len(chosen.slots))
        else:
            project.failure = _diverged(project)
        return StepReport(
            job=project.id,
            attempt=project.attempt,
            step=project.step,
            steps=project.recipe.steps,
            loss=loss,
            company=len(chosen.slots),
            is_finished=project.is_finished,
            sample_is_due=project.failure is None and project.sample_is_due,
            checkpoint_is_due=project.failure is None and project.checkpoint_is_due,
            diverged=project.failure,
        )

    # What a training has come to

    def project(self, job_id: AskedId) -> Project:
        """Where a training stands: its step, losses, samples, shapes and seconds."""
        return self._projects[job_id]

    def rows_for(self, job_id: AskedId) -> tuple[Bank, int]:
        """The bank and the slot in which a training's live row stands, to draw with."""
        return self._rows.bank, self._projects[job_id].slot

    def state(self, job_id: AskedId) -> dict[str, Tensor]:
        """A training's adapter as it stands, in PEFT keys, B without its scale."""
        return self._rows.bank.state(self._projects[job_id].slot)

    def add_samples(self, job_id: AskedId, samples: Sequence[Sample]) -> None:
        """Note pictures made of a training; they go into its checkpoints and its record."""
        self._projects[job_id].samples.extend(samples)

    def checkpoint(self, job_id: AskedId) -> str:
        """Keep a training's state in the store; the key of its pointer. Raises StoreUnavailable."""
        project = self._projects[job_id]
        kept = checkpoints.Checkpoint(
            ask=project.ask,
            step=project.step,
            row=self._rows.state(project.slot),
            losses=project.losses,
            samples=project.samples,
            shapes=project.shapes,
            seconds=project.seconds,
        )
        return checkpoints.write(self._store, project.id, project.attempt, kept)

    def _require_room(self, ask: TrainAsk) -> None:
        if ask.base != self._base.digest:
            raise RecipeInvalid(
                f"The training wants base {ask.base[:12]}..., and this worker holds {self._base.digest[:12]}...",
                hint="Lease it to a worker that holds that base.",
            )
        if self.free_rows == 0:
            raise OutOfMemory(
                f"All {self._slots} training rows of this worker are taken.",
                hint="Lease it to another worker, or later.",
            )


def _resume(project: Project, found: checkpoints.Checkpoint) -> None:
    project.step, project.seconds = found.step, found.seconds
    project.losses, project.samples = list(found.losses), list(found.samples)
    project.shapes = [Shape(*shape) for shape in found.shapes]


def _diverged(project: Project) -> Diverged:
    last = project.losses[-1] if project.losses else float("nan")
    return Diverged(
        f"Training stopped after {project.step} of {project.recipe.steps} steps: the loss or its gradient became "
        f"not a number (last loss {last:.4g}, learning rate {project.recipe.learning_rate:g}).",
        hint="Lower recipe.learning_rate, or look for a broken picture among the dataset's.",
    )
