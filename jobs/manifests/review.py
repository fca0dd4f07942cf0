"""A Review: one person's word on one version. Created once, never changed; the gate counts them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from jobs.manifests import names
from jobs.manifests.meta import Manifest
from jobs.manifests.part import Broken, Part, Whole, keep, repeated

Note = Annotated[str, Field(max_length=2000)]


class Verdict(StrEnum):
    """A person's word on a version."""

    APPROVE = "approve"
    REVISE = "revise"
    REJECT = "reject"


class ShotReview(Part):
    """A word on one picture of the contact sheet."""

    prompt: Whole = Field(ge=0, le=63, description="Which of the judge's prompts, counted from 0.")
    seed: Whole = Field(ge=0, le=names.LARGEST_SEED, description="Which seed.")
    verdict: Verdict = Field(description="The word on this picture.")
    tags: tuple[names.Tag, ...] = Field(default=(), max_length=32, description="What is wrong with it.")
    note: Note = Field(default="", description="In the person's own words.")

    @model_validator(mode="after")
    def _says_each_tag_once(self) -> ShotReview:
        keep(repeated("tags", self.tags))
        return self


class ReviewSpec(Part):
    """A person's word on a version."""

    by: names.Person = Field(description="Who says it; the gate counts distinct people.")
    project: names.Name = Field(description="The BrandProject that is judged.")
    project_uid: str | None = Field(
        default=None,
        max_length=64,
        description="The project's uid, so that a later project of the same name starts anew.",
    )
    version: names.Version = Field(description="The version that is judged.")
    verdict: Verdict = Field(description="approve lets it serve; revise and reject do not.")
    tags: tuple[names.Tag, ...] = Field(default=(), max_length=32, description="What is wrong with it.")
    note: Note = Field(default="", description="In the person's own words.")
    shots: tuple[ShotReview, ...] = Field(default=(), max_length=2048, description="Words on single pictures.")

    @model_validator(mode="after")
    def _judges_each_thing_once(self) -> ReviewSpec:
        keep(self._broken_rules())
        return self

    def _broken_rules(self) -> Iterator[Broken]:
        yield from repeated("tags", self.tags)
        pictures = [f"prompt {shot.prompt} with seed {shot.seed}" for shot in self.shots]
        yield from repeated("shots", pictures)


class Review(Manifest):
    """A person's word on a version; created once, never changed."""

    kind: Literal["Review"] = Field(default="Review", description="Review.")
    spec: ReviewSpec = Field(description="The word.")
