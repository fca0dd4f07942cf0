"""The last act of a training: export, proof, blobs, then the one record that makes it done. Knows no lease."""

from __future__ import annotations

from typing import Any

import diffusers
import peft
import torch

from jobs import blobs, failpoints, keys, publish
from jobs.bases.loading import Base
from jobs.identity import AskedId
from jobs.ports import ObjectStore
from jobs.publish import Published
from jobs.records import TrainRecord
from jobs.training.export import export
from jobs.training.project import Project
from jobs.training.trainer import Trainer

LAST_STEPS = 20
"""How many of the last steps the final loss is a mean of; one step's alone is mostly chance."""


def finish(trainer: Trainer, base: Base, store: ObjectStore, job_id: AskedId) -> Published:
    """Record a finished training: the record that stands, ours or an earlier attempt's.

    Raises ExportMismatch where the file, loaded back, is not the adapter; StoreUnavailable.
    """
    project = trainer.project(job_id)
    assert project.is_finished, f"{project.step} of {project.recipe.steps} steps are done"
    failpoints.reach("train.before-export")
    # 1. The adapter as a file, proven by loading it back.
    exported = export(base, trainer.state(job_id), project.recipe.alpha, project.recipe.targets)
    # 2. What the record will name, before the record.
    adapter = blobs.put(store, exported.data)
    losses = blobs.put_json(store, loss_curve(project))
    samples = blobs.put_json(store, [sample.model_dump(mode="json") for sample in project.samples])
    # 3. The record, once.
    last = project.losses[-LAST_STEPS:]
    record = TrainRecord(
        asked=job_id,
        dataset=project.ask.dataset,
        base=project.ask.base,
        trigger=project.ask.trigger,
        recipe=project.recipe,
        adapter=adapter,
        rank=exported.rank,
        targets=list(exported.targets),
        final_loss=sum(last) / len(last),
        losses=losses,
        samples=samples,
        attempts=project.attempt,
        seconds=project.seconds,
        made=made(base, project),
    )
    body = record.model_dump(mode="json", exclude={"writeId"})
    failpoints.reach("train.before-record")
    return publish.record(store, keys.train(job_id), body, blobs=[adapter, losses, samples])


def loss_curve(project: Project) -> list[tuple[int, float]]:
    """[step, loss] of every step, steps counted from 1."""
    return list(enumerate(project.losses, start=1))


def made(base: Base, project: Project) -> dict[str, Any]:
    """With what a training was made: versions, device, numbers, and the padded shapes it went through."""
    device = torch.cuda.get_device_name(base.device) if base.device.type == "cuda" else base.device.type
    return {
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "peft": peft.__version__,
        "device": device,
        "dtype": str(base.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "shapes": [list(shape) for shape in project.shapes],
    }
