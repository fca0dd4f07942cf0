"""What a sheet says in words: the facts of a picture and of a training, the finish, what changed between two versions. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from cli.sheet.data import BASE, Cell, Training, VersionSheet
from jobs.finish_steps import Colour, FinishStep, Grain, Lut
from jobs.shots import Recipe
from jobs.spec import TrainRecipe

Facts = tuple[tuple[str, str], ...]
"""(what, how much), in the order in which they are read."""

SHORT = 12  # digits of a digest that people get to see


def look_name(look: str) -> str:
    """What people call a column of the sheet."""
    return "Base model" if look == BASE else look


def shot_line(cell: Cell) -> str:
    """The short caption of a picture: `v2 · seed 7 · strength 1`."""
    how = "" if cell.look == BASE else f" · strength {cell.strength:g}"
    return f"{cell.look} · seed {cell.seed}{how}"


def shot_facts(recipe: Recipe) -> Facts:
    """Everything that decides a picture, in words."""
    sampling = recipe.sampling
    return (
        ("Seed", str(recipe.seed)),
        ("Strength", ", ".join(f"{use.strength:g}" for use in recipe.adapters) or "none, the base alone"),
        ("Negative", recipe.negative or "none"),
        ("Size", f"{recipe.width} × {recipe.height} pixels"),
        ("Sampler", f"{sampling.name}, {sampling.steps} steps, guidance {sampling.guidance:g}"),
        ("Finish", finish_words(recipe.finish)),
        ("Adapter", ", ".join(use.digest[:SHORT] for use in recipe.adapters) or "none"),
        ("Base", recipe.base[:SHORT]),
        ("Recipe", recipe.hash[:SHORT]),
    )


def training_facts(training: Training) -> Facts:
    """How a version was trained, in words."""
    record, recipe = training.record, training.record.recipe
    return (
        ("Steps", f"{recipe.steps} of {recipe.batch} pictures"),
        ("Learning rate", f"{recipe.learning_rate:g}"),
        ("Rank", f"{record.rank}, alpha {recipe.alpha:g}"),
        ("Resolution", f"{recipe.resolution} pixels"),
        ("Prior pictures", f"{recipe.prior:.0%} of a batch"),
        ("Training seed", str(recipe.seed)),
        ("Final loss", f"{record.final_loss:.4f}"),
        ("Time", f"{record.seconds:.0f} s"),
        ("Dataset", record.dataset[:SHORT]),
        ("Base", record.base[:SHORT]),
        ("Adapter", record.adapter[:SHORT]),
    )


def finish_words(steps: Sequence[FinishStep]) -> str:
    """The finish in a line: `contrast -20 %, saturation -10 %, grain 0.2`."""
    return ", ".join(words for step in steps for words in _step_words(step)) or "none"


def changes(before: VersionSheet, after: VersionSheet) -> tuple[str, ...]:
    """What is different in how the later version was made and drawn: `rank 8 → 16`, `the dataset`."""
    return (*_training_changes(before.training, after.training), *_drawing_changes(before, after))


def shared_opening(prompts: Sequence[str]) -> str:
    """The whole words with which all prompts begin; empty for fewer than two prompts."""
    if len(prompts) < 2:
        return ""
    columns = zip(*(prompt.split(" ")[:-1] for prompt in prompts), strict=False)
    return " ".join(words[0] for words in itertools.takewhile(lambda words: len(set(words)) == 1, columns))


def _step_words(step: FinishStep) -> Iterator[str]:
    match step.colour or step.lut or step.grain:
        case Colour() as colour:
            yield f"contrast {colour.contrast:+g} %"
            yield f"saturation {colour.saturation:+g} %"
            if colour.gamma != 1:
                yield f"gamma {colour.gamma:g}"
        case Lut() as lut:
            yield f"LUT {lut.digest[:SHORT] if lut.digest else lut.source} at {lut.strength:.0%}"
        case Grain() as grain:
            yield f"grain {grain.power:g} at {grain.scale:g} px"


def _training_changes(before: Training | None, after: Training | None) -> Iterator[str]:
    if before is None or after is None:
        return
    old, new = before.record, after.record
    for what, differs in (("the dataset", old.dataset != new.dataset), ("the base model", old.base != new.base)):
        if differs:
            yield what
    for name in TrainRecipe.model_fields:
        was, is_now = getattr(old.recipe, name), getattr(new.recipe, name)
        if was != is_now:
            yield f"{name.replace('_', ' ')} {_number(was)} → {_number(is_now)}"


def _drawing_changes(before: VersionSheet, after: VersionSheet) -> Iterator[str]:
    for what, was, is_now in (
        ("the judge's prompts", before.plan.prompts, after.plan.prompts),
        ("the judge's seeds", before.plan.seeds, after.plan.seeds),
        ("the judge's sampler", before.plan.sampling, after.plan.sampling),
        ("the finish", before.plan.looks[-1].finish, after.plan.looks[-1].finish),
    ):
        if was != is_now:
            yield what


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
