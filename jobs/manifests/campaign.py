"""A Campaign: which brands are shown, in which shots, when, and within which limits. Counts its shots; draws none."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from math import prod
from typing import Annotated, Literal

from pydantic import Field, model_validator

from jobs.manifests import names, prompts
from jobs.manifests.meta import Manifest, too_long
from jobs.manifests.part import Broken, Flag, InOrder, Number, Part, Whole, keep, repeated
from jobs.manifests.placement import Placement
from jobs.manifests.sampler import Sampler
from jobs.manifests.status import CampaignStatus

Strength = Annotated[Number, Field(ge=0, le=2)]


class Missed(StrEnum):
    """What becomes of a night that was missed."""

    SKIP = "skip"
    RUN = "run"


class Concurrency(StrEnum):
    """What happens when a night starts while the last one is still at work."""

    FORBID = "forbid"
    ALLOW = "allow"
    REPLACE = "replace"


class AdapterChoice(Part):
    """One brand's adapter at a strength."""

    brand: names.Name = Field(description="A BrandProject of the same namespace.")
    version: names.LookVersion = Field(
        default="serving", description="serving is what serves when the campaign starts; v7 pins one."
    )
    strength: Strength = Field(default=1.0, description="How much of it; 0 is the base model, 1 as trained.")


class Look(AdapterChoice):
    """One brand, or several combined. Words and finish are those of `brand`."""

    with_: tuple[AdapterChoice, ...] = Field(default=(), max_length=3, description="Further brands on the same image.")

    @model_validator(mode="after")
    def _combines_different_brands(self) -> Look:
        brands = (self.brand, *(choice.brand for choice in self.with_))
        keep(
            Broken(("with", index - 1, "brand"), f"{brand} again", "another brand: one look shows each brand once")
            for index, brand in enumerate(brands)
            if brand in brands[:index]
        )
        return self

    @property
    def choices(self) -> tuple[AdapterChoice, ...]:
        """All adapters of the look, its own first."""
        own = AdapterChoice(brand=self.brand, version=self.version, strength=self.strength)
        return (own, *self.with_)


class Seeds(Part):
    """A row of seeds from `start`, or the `values` themselves; empty, it is seed 1 alone."""

    start: Whole | None = Field(default=None, ge=0, le=names.LARGEST_SEED, description="The first seed; left out, 1.")
    count: Whole | None = Field(
        default=None, ge=1, le=100_000, description="How many seeds follow one another; left out, 1."
    )
    values: tuple[Annotated[Whole, Field(ge=0, le=names.LARGEST_SEED)], ...] | None = Field(
        default=None, min_length=1, max_length=1000, description="The seeds themselves, instead of start and count."
    )

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Seeds:
        keep(self._broken_rules())
        return self

    def _broken_rules(self) -> Iterator[Broken]:
        if self.values is not None and (self.count is not None or self.start is not None):
            yield Broken(("values",), "values beside start or count", "either values, or start and count")
        if self.count is not None and self._first + self.count - 1 > names.LARGEST_SEED:
            yield Broken(("count",), "seeds past the largest", f"seeds up to {names.LARGEST_SEED}")
        yield from repeated("values", self.values or ())

    @property
    def numbers(self) -> tuple[int, ...]:
        """All seeds, in order."""
        if self.values is not None:
            return self.values
        return tuple(range(self._first, self._first + (self.count or 1)))

    @property
    def _first(self) -> int:
        return 1 if self.start is None else self.start


class Shots(Part):
    """The lists whose product is the campaign."""

    prompts: tuple[names.Prompt, ...] = Field(
        min_length=1,
        max_length=500,
        description="What to draw: {trigger} and {class} are each look's own, other {variables} those below. Nothing else is added.",
    )
    variables: Annotated[
        dict[names.Variable, Annotated[tuple[names.Words, ...], Field(min_length=1, max_length=100)]], InOrder
    ] = Field(
        default_factory=dict,
        max_length=names.MOST_VARIABLES,
        description="The values of each variable; every prompt is drawn with all of them.",
    )
    negative: Annotated[str, Field(max_length=1000)] = Field(default="", description="What the images should not show.")
    sizes: tuple[names.Size, ...] = Field(
        default=("64x64",),
        min_length=1,
        max_length=16,
        description="Width x height in pixels, each a multiple of 8 from 64 to 2048.",
    )
    seeds: Seeds = Field(default_factory=Seeds, description="The seeds of each picture.")

    @model_validator(mode="after")
    def _hangs_together(self) -> Shots:
        keep(self._broken_rules())
        return self

    def _broken_rules(self) -> Iterator[Broken]:
        if (length := sum(map(len, self.prompts))) > names.MOST_PROMPT_TEXT:
            expected = f"prompts of at most {names.MOST_PROMPT_TEXT} characters together"
            yield Broken(("prompts",), f"{length} characters", expected)
        yield from prompts.broken_templates(self.prompts, self.variables)
        yield from repeated("prompts", self.prompts)
        yield from repeated("sizes", self.sizes)
        for name, values in self.variables.items():
            for broken in repeated(name, values):
                yield broken._replace(path=("variables", *broken.path))
        for index, sides in enumerate(self.pixel_sizes):
            if any(side % 8 or not 64 <= side <= 2048 for side in sides):
                yield Broken(("sizes", index), self.sizes[index], "multiples of 8 from 64 to 2048, such as 64x64")

    @property
    def pixel_sizes(self) -> tuple[tuple[int, int], ...]:
        """(width, height) of each size, in pixels."""
        return tuple((int(width), int(height)) for width, _, height in (size.partition("x") for size in self.sizes))


class History(Part):
    """How many ended nights are kept as manifests."""

    complete: Whole = Field(default=3, ge=0, le=100, description="Nights that drew something, the newest.")
    failed: Whole = Field(default=1, ge=0, le=100, description="Nights that drew nothing or failed, the newest.")


class Schedule(Part):
    """When the campaign is made again, each time as a child campaign named after the night, such as spring-20261121t0130."""

    cron: names.Cron = Field(
        description='Minute, hour, day, month, weekday: "30 1 * * *" is half past one every night. '
        "A time that the clocks skip comes at the next one there is; one that they show twice comes once."
    )
    time_zone: names.TimeZone = Field(default="UTC", description="The time zone that the cron speaks of.")
    window: names.Duration = Field(
        default="6h",
        description="How long after its time a night may begin, and until when it may draw. At its end what has not begun is "
        "left, the night ends with the reason WindowEnded, and what is drawn stays; the next night finds it in the store.",
    )
    missed: Missed = Field(
        default=Missed.SKIP,
        description="What becomes of a night that could not begin in its window: skip leaves it out, run makes the newest one "
        "as soon as possible, for as long as a window and at latest until the next night.",
    )
    concurrency: Concurrency = Field(
        default=Concurrency.FORBID,
        description="While the last night is still at work: forbid lets the next one wait within its window, allow begins it, "
        "replace ends the last one.",
    )
    suspend: Flag = Field(
        default=False,
        description="Whether no night begins. One at work goes on; nights whose windows pass meanwhile are left out.",
    )
    history: History = Field(
        default_factory=History,
        description="How many ended nights are kept; older ones are deleted. Their images stay in the store until it is pruned.",
    )


class StopIf(Part):
    """When a campaign gives up."""

    failed_rate: Number = Field(default=0.2, ge=0, le=1, description="Stop when more than this share of shots failed.")
    after: Whole = Field(default=50, ge=1, le=1_000_000, description="Judge the share only after so many shots.")


class Limits(Part):
    """What the campaign may never exceed."""

    shots: Whole = Field(default=3000, ge=1, le=1_000_000, description="The most shots that its lists may come to.")
    stop_if: StopIf = Field(default_factory=StopIf, description="When to give up.")


class Output(Part):
    """What is made of the images."""

    format: Literal["png"] = Field(default="png", description="The images' format, with the recipe written inside.")
    contact_sheet: Flag = Field(default=True, description="Whether a contact sheet is made.")


class CampaignSpec(Part):
    """What is wanted of a campaign. Looks, shots and sampler never change; write another campaign instead."""

    looks: tuple[Look, ...] = Field(
        min_length=1, max_length=200, description="Each look is one brand, or several adapters combined at strengths."
    )
    shots: Shots = Field(description="The lists whose product is the campaign.")
    sampler: Sampler = Field(default_factory=Sampler, description="How the images are denoised.")
    schedule: Schedule | None = Field(
        default=None, description="When it is made again; left out, it is made once, now."
    )
    until: names.Moment | None = Field(
        default=None,
        description="The moment after which nothing more is begun and no night starts; what is drawn stays. Nights get the end "
        "of their window.",
    )
    limits: Limits = Field(default_factory=Limits, description="What it may never exceed.")
    output: Output = Field(default_factory=Output, description="What is made of the images.")
    placement: Placement = Field(default_factory=Placement, description="Where and how soon it is made.")

    @model_validator(mode="after")
    def _hangs_together(self) -> CampaignSpec:
        keep(self._broken_rules())
        return self

    def _broken_rules(self) -> Iterator[Broken]:
        for index, look in enumerate(self.looks):
            if look in self.looks[:index]:
                found = f"the same look as looks[{self.looks.index(look)}]"
                yield Broken(("looks", index), found, "each look once: its images would be the same")
        if self.shot_count > self.limits.shots:
            expected = f"shorter lists, or raise limits.shots (now {self.limits.shots})"
            yield Broken(("limits", "shots"), self.product, expected)

    @property
    def shot_count(self) -> int:
        """How many images the lists come to."""
        shots = self.shots
        worded = prompts.wordings(shots.prompts, shots.variables)
        return prod((len(self.looks), len(shots.sizes), worded, len(shots.seeds.numbers)))

    @property
    def product(self) -> str:
        """The product of the lists, spelled out, such as `2 looks x 4 wordings (...) x 1 size x 4 seeds = 32 shots`."""
        shots = self.shots
        return (
            " x ".join(
                (
                    _counted(len(self.looks), "look"),
                    prompts.spelled(shots.prompts, shots.variables),
                    _counted(len(shots.sizes), "size"),
                    _counted(len(shots.seeds.numbers), "seed"),
                )
            )
            + f" = {_counted(self.shot_count, 'shot')}"
        )


class Campaign(Manifest):
    """A request for images of one brand or of many."""

    kind: Literal["Campaign"] = Field(default="Campaign", description="Campaign.")
    spec: CampaignSpec = Field(description="What is wanted.")
    status: CampaignStatus | None = Field(default=None, description="How it stands; written by the farm.")

    @model_validator(mode="after")
    def _leaves_room_for_its_nights(self) -> Campaign:
        if self.spec.schedule is not None:
            why = "so that the names of its nights fit"
            keep(too_long(self.metadata, names.LONGEST_PARENT_NAME, why))
        return self

    @property
    def queue(self) -> str:
        """The queue that its work waits in."""
        return self.spec.placement.queue or self.metadata.namespace


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
