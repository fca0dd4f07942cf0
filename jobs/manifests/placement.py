"""Where and how soon work is done, as a person writes it."""

from __future__ import annotations

from pydantic import Field, model_validator

from jobs.manifests import names
from jobs.manifests.part import Part, keep, repeated
from jobs.spec import Priority


class Placement(Part):
    """Where and how soon the work is done."""

    queue: names.Name | None = Field(default=None, description="The queue it waits in; left out, the namespace's name.")
    priority: Priority = Field(default=Priority.NORMAL, description="Which work goes first within the queue.")
    gpu_classes: tuple[names.Name, ...] = Field(
        default=("any",),
        min_length=1,
        max_length=8,
        description="Workers that may do it, by class; any is all of them.",
    )
    deadline: names.Deadline | None = Field(
        default=None,
        description="When it should be done: a time of day in the schedule's time zone, or UTC without one, or a moment. "
        "It orders the work of a queue and ends none.",
    )

    @model_validator(mode="after")
    def _names_each_class_once(self) -> Placement:
        keep(repeated("gpuClasses", self.gpu_classes))
        return self
