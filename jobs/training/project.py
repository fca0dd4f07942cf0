"""One admitted training beside its row: where it stands and what it has told so far. Knows no bank and no neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from jobs.errors import Diverged, RecipeInvalid
from jobs.identity import AskedId
from jobs.records import Sample
from jobs.spec import Hints, Job, TrainAsk, TrainRecipe
from jobs.training import randomness
from jobs.training.company import Bucket, Candidate
from jobs.training.prepared import PreparedDataset


class Shape(NamedTuple):
    """The padded shape of a fused step, on which bits depend: from that step (counted from 0) on."""

    step: int
    rows: int
    batch: int
    rank: int
    columns: int


@dataclass
class Project:
    """A training in a slot of the bank. `step` is how many updates its row has had; losses has one entry a step."""

    job: Job
    attempt: int
    slot: int
    dataset: PreparedDataset
    step: int = 0
    losses: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    seconds: float = 0.0  # its share of its steps' time
    joined: int = 0
    last_round: int = 0
    failure: Diverged | None = None

    @property
    def id(self) -> AskedId:
        return self.job.id

    @property
    def ask(self) -> TrainAsk:
        assert isinstance(self.job.ask, TrainAsk)
        return self.job.ask

    @property
    def recipe(self) -> TrainRecipe:
        return self.ask.recipe

    @property
    def hints(self) -> Hints:
        return self.job.hints

    @property
    def is_finished(self) -> bool:
        return self.step >= self.recipe.steps

    @property
    def sample_is_due(self) -> bool:
        """Whether pictures should be made at the step it has reached."""
        wanted = self.hints.samples
        return _is_due(self.step, wanted.every, self.is_finished) and bool(wanted.prompts)

    @property
    def checkpoint_is_due(self) -> bool:
        """Whether its state should be kept at the step it has reached."""
        return _is_due(self.step, self.hints.checkpoint_every, self.is_finished)

    def candidate(self) -> Candidate:
        """It as the choice of a company sees it."""
        dataset = self.dataset
        bucket = Bucket(self.recipe.batch, dataset.shape, tuple(dataset.empty.shape))
        has_steps_left = not self.is_finished and self.failure is None
        return Candidate(self.slot, bucket, self.joined, self.last_round, has_steps_left)

    def choices(self, timesteps: int) -> randomness.Choices:
        """The random choices of its next step, for a noise schedule of so many timesteps."""
        deck = randomness.Deck(
            batch=self.recipe.batch,
            pictures=len(self.dataset.mean),
            priors=len(self.dataset.prior_latents),
            prior_share=self.recipe.prior,
            blank_share=self.recipe.caption_dropout,
            timesteps=timesteps,
            shape=self.dataset.shape,
        )
        return randomness.choices(self.recipe.seed, self.step, deck)

    def stepped(self, loss: float, shape: Shape, seconds: float) -> None:
        """Note an update of its row, and its share of the step's time."""
        if not self.shapes or self.shapes[-1][1:] != shape[1:]:
            self.shapes.append(shape)
        self.losses.append(loss)
        self.step += 1
        self.seconds += seconds


def check(recipe: TrainRecipe, dataset: PreparedDataset) -> None:
    """Refuse what cannot be trained. Raises RecipeInvalid."""
    wrong = {
        "steps": recipe.steps < 1,
        "batch": recipe.batch < 1,
        "rank": recipe.rank < 1,
        "alpha": not 0 < recipe.alpha < math.inf,
        "gradient_clip": not recipe.gradient_clip > 0,
        "learning_rate": not 0 < recipe.learning_rate < math.inf,
        "prior": not 0 <= recipe.prior < 1,
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise RecipeInvalid(
                f"The recipe's {name} is {getattr(recipe, name)}, which cannot be trained.",
                hint=f"Correct recipe.{name} in the manifest.",
            )
    if recipe.prior > 0 and len(dataset.prior_latents) == 0:
        raise RecipeInvalid(
            f"The recipe wants a share of {recipe.prior} prior pictures, and the dataset was prepared without any.",
            hint="Set recipe.prior to 0, or prepare the dataset with prior pictures.",
        )


def _is_due(step: int, every: int, is_last: bool) -> bool:
    return every > 0 and step > 0 and (is_last or step % every == 0)
