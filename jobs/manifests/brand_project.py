"""A BrandProject: one brand's look, what it is trained on, how it is judged and which version serves. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from jobs.finish_steps import FinishStep
from jobs.manifests import names, prompts
from jobs.manifests.meta import Manifest, too_long
from jobs.manifests.part import Broken, InOrder, Number, Part, Whole, keep, repeated
from jobs.manifests.placement import Placement
from jobs.manifests.sampler import Sampler
from jobs.manifests.status import BrandProjectStatus

ADVISED_IMAGES = 15


class Concept(StrEnum):
    """What a brand teaches; picks presets and checks."""

    PRODUCT = "product"
    STYLE = "style"
    CHARACTER = "character"


class Basis(StrEnum):
    """By what right pictures are used."""

    OWNED = "owned"
    LICENSED = "licensed"
    COMMISSIONED = "commissioned"
    PUBLIC_DOMAIN = "public-domain"


class Rights(Part):
    """Who owns the pictures and why they may be used."""

    owner: names.Words = Field(description="Who holds the rights.")
    basis: Basis = Field(description="By what right they are used.")


class Dataset(Part):
    """The pictures that the brand is learned from."""

    source: names.SourceAddress = Field(
        description="s3://bucket/prefix/, or a local folder such as ./shots, which `brandfarm apply` uploads."
    )
    rights: Rights = Field(description="Who owns the pictures and why they may be used.")
    glossary: Annotated[dict[names.Words, names.Words], InOrder] = Field(
        default_factory=dict, max_length=100, description="One word per thing: captions say the right-hand word."
    )
    min_images: Whole = Field(
        default=8,
        ge=1,
        le=10_000,
        description=f"Fewer usable pictures are refused; under {ADVISED_IMAGES} the farm warns.",
    )


class BaseChoice(Part):
    """The foundation model that the brand is trained on."""

    name: names.CatalogueName = Field(description="An entry of the farm's catalogue; resolved to a pinned digest.")
    accept_licence: names.Words | None = Field(
        default=None,
        description="A licence that forbids commercial use, as `brandfarm base list` writes it: the brand keeps to it.",
    )


class Recipe(Part):
    """How it is trained; what is left out comes from the preset when a version is declared, and is frozen in its record."""

    preset: Concept | None = Field(default=None, description="Where the defaults come from; left out, the concept.")
    rank: Whole | None = Field(default=None, ge=1, le=128, description="The adapter's rank.")
    alpha: Number | None = Field(
        default=None, gt=0, le=256, description="Scales the adapter by alpha/rank; left out, the rank."
    )
    steps: Whole | None = Field(default=None, ge=1, le=20_000, description="Training steps.")
    learning_rate: Number | None = Field(default=None, gt=0, le=0.1, description="AdamW's learning rate.")
    resolution: Whole | None = Field(
        default=None, ge=64, le=2048, multiple_of=8, description="Pixels of a training picture's side."
    )
    batch: Whole | None = Field(default=None, ge=1, le=64, description="Pictures in a step.")
    seed: Whole | None = Field(default=None, ge=0, le=names.LARGEST_SEED, description="Decides noise, order and crops.")
    prior: Number | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Share of each batch that shows the class without the brand, against leaking.",
    )
    sample_every: Whole | None = Field(
        default=None, ge=0, le=20_000, description="Draw the judge's prompts every so many steps; 0 is never."
    )
    caption_dropout: Number | None = Field(
        default=None, ge=0, le=1, description="Share of captions that are left empty."
    )
    min_snr_gamma: Number | None = Field(default=None, ge=0, le=100, description="Min-SNR loss weight; 0 turns it off.")
    gradient_clip: Number | None = Field(default=None, gt=0, le=1000, description="Largest norm of a gradient.")
    weight_decay: Number | None = Field(default=None, ge=0, le=1, description="AdamW's weight decay.")
    warmup_steps: Whole | None = Field(
        default=None, ge=0, le=20_000, description="Steps in which the learning rate rises from nothing."
    )
    targets: Literal["default"] | None = Field(default=None, description="Which layers of the base carry the adapter.")

    @model_validator(mode="after")
    def _warms_up_within_its_steps(self) -> Recipe:
        if self.warmup_steps is not None and self.steps is not None and self.warmup_steps > self.steps:
            keep([Broken(("warmupSteps",), str(self.warmup_steps), f"at most the steps, {self.steps}")])
        return self


class Judge(Part):
    """What every version is looked at with: the same prompts and seeds, so that versions compare."""

    prompts: tuple[names.Prompt, ...] = Field(
        min_length=1, max_length=64, description="Prompts of the contact sheet, at least one with the trigger."
    )
    seeds: tuple[Annotated[Whole, Field(ge=0, le=names.LARGEST_SEED)], ...] = Field(
        default=(7, 21, 42), min_length=1, max_length=32, description="Seeds that each prompt is drawn with."
    )
    sampler: Sampler = Field(default_factory=Sampler, description="How the sheet's images are denoised.")
    palette: tuple[names.HexColour, ...] = Field(
        default=(), max_length=16, description="The brand's colours, that images are measured against."
    )
    tags: tuple[names.Tag, ...] = Field(default=(), max_length=32, description="Critique tags that the sheet offers.")

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Judge:
        keep(
            broken
            for field, values in (
                ("prompts", self.prompts),
                ("seeds", self.seeds),
                ("palette", self.palette),
                ("tags", self.tags),
            )
            for broken in repeated(field, values)
        )
        return self


class Gate(Part):
    """What a version needs before it may serve."""

    approvals: Whole = Field(
        default=1, ge=0, le=10, description="Distinct people who must approve; 0 serves the newest trained version."
    )


class BrandProjectSpec(Part):
    """What is wanted of a brand."""

    concept: Concept = Field(description="What is taught: picks presets and checks.")
    trigger: names.Trigger = Field(description="The rare word that captions and prompts use for the concept.")
    class_name: names.Words = Field(description="What kind of thing it is, in the base's own words.")
    dataset: Dataset = Field(description="The pictures that the brand is learned from.")
    base: BaseChoice = Field(description="The foundation model.")
    recipe: Recipe = Field(
        default_factory=Recipe, description="How it is trained; what is left out comes from the preset."
    )
    judge: Judge = Field(description="What every version is looked at with.")
    finish: tuple[FinishStep, ...] = Field(
        default=(), max_length=8, description="Colour and grain after the model, in this order."
    )
    gate: Gate = Field(default_factory=Gate, description="What a version needs before it may serve.")
    serve: names.Serve = Field(default="approved", description="approved is the newest approved version; v3 pins one.")
    placement: Placement = Field(default_factory=Placement, description="Where and how soon it is trained.")

    @model_validator(mode="after")
    def _hangs_together(self) -> BrandProjectSpec:
        keep(self._broken_rules())
        return self

    def _broken_rules(self) -> Iterator[Broken]:
        if prompts.names_trigger(self.class_name, self.trigger):
            yield Broken(
                ("trigger",), f"{self.trigger}, a word of the class", "a word that means nothing yet, such as stblsx"
            )
        if not any(prompts.names_trigger(prompt, self.trigger) for prompt in self.judge.prompts):
            found = f"no prompt with the trigger {self.trigger}"
            yield Broken(("judge", "prompts"), found, f"the word {self.trigger} in at least one of them")
        for index, prompt in enumerate(self.judge.prompts):
            if "{" in prompt or "}" in prompt:
                expected = f"the words themselves, such as {self.trigger} {self.class_name}"
                yield Broken(("judge", "prompts", index), "braces, which only a campaign's prompts fill in", expected)


class BrandProject(Manifest):
    """One brand: what it is learned from, how it is trained, judged and finished, and which version serves."""

    kind: Literal["BrandProject"] = Field(default="BrandProject", description="BrandProject.")
    spec: BrandProjectSpec = Field(description="What is wanted.")
    status: BrandProjectStatus | None = Field(default=None, description="How it stands; written by the farm.")

    @model_validator(mode="after")
    def _leaves_room_for_reviews(self) -> BrandProject:
        why = "so that its reviews' names fit"
        keep(too_long(self.metadata, names.LONGEST_PARENT_NAME, why))
        return self

    @property
    def queue(self) -> str:
        """The queue that its work waits in."""
        return self.spec.placement.queue or self.metadata.namespace
