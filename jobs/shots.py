"""Shots and the plan that they come from: a campaign or a sheet, resolved to digests. Pure; knows no tensors and no store.

A plan is a product of lists in a frozen order: look, size, prompt with its variables, seed. Shot i is computed, not stored,
so a million shots cost nothing until they are drawn.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from functools import cached_property
from math import prod
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import ManifestInvalid
from jobs.finish_steps import FinishStep
from jobs.identity import Digest, canonical, content_id

RECIPE_KIND = "shot/1"


class Value(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AdapterUse(Value):
    """One adapter on an image: the digest of its safetensors blob, and its strength."""

    digest: str
    strength: float = 1.0


class Sampling(Value):
    """How an image is denoised: sampler name (ddim, euler), steps, and classifier-free guidance (1 is none)."""

    name: str = "ddim"
    steps: int = 20
    guidance: float = 5.0


class Recipe(Value):
    """Everything that decides an image's bytes on one numerics class. Its hash names the image."""

    base: str
    adapters: tuple[AdapterUse, ...] = ()
    prompt: str
    negative: str = ""
    seed: int
    width: int
    height: int
    sampling: Sampling = Sampling()
    finish: tuple[FinishStep, ...] = ()

    @cached_property
    def hash(self) -> Digest:
        """64 hex digits over the canonical JSON of the recipe."""
        return Digest(content_id(RECIPE_KIND, self.model_dump(mode="json")))

    def raw(self) -> Recipe:
        """The same image without its finish."""
        if not self.finish:
            return self
        return Recipe.model_validate({**self.model_dump(), "finish": ()})  # model_copy would copy the cached hash too


_PROMPT, _SEED = "\u0001prompt\u0001", 9_007_199_254_740_001  # stand-ins that no look or size holds


class _Namer:
    """Recipes that differ in prompt and seed only, named quickly: their canonical JSON around those two is made once."""

    def __init__(self, one: Recipe) -> None:
        pattern = Recipe.model_validate({**one.model_dump(), "prompt": _PROMPT, "seed": _SEED})
        whole = canonical({"kind": RECIPE_KIND, "value": pattern.model_dump(mode="json")})
        self._head, rest = whole.split(canonical(_PROMPT))
        self._middle, self._tail = rest.split(canonical(_SEED))
        self._begun: dict[str, Any] = {}

    def name(self, recipe: Recipe) -> None:
        """Let such a recipe know its hash."""
        if recipe.prompt not in self._begun:
            self._begun = {recipe.prompt: hashlib.sha256(self._head + canonical(recipe.prompt) + self._middle)}
        sha = self._begun[recipe.prompt].copy()
        sha.update(b"%d%b" % (recipe.seed, self._tail))
        recipe.__dict__["hash"] = Digest(sha.hexdigest())  # where cached_property keeps it


class Look(Value):
    """One brand as a campaign shows it: which adapters at which strengths, its words and its finish."""

    label: str  # what people read: "stable-socks v3", or "base"
    project: str = ""  # namespace/name, empty for the base alone
    version: str = ""
    adapters: tuple[AdapterUse, ...] = ()
    trigger: str = ""
    class_name: str = ""
    finish: tuple[FinishStep, ...] = ()


class Shot(Value):
    """One image of a plan: its place in the frozen order, its coordinates, and its recipe."""

    index: int
    look: int
    prompt: int
    variables: dict[str, str]
    seed: int
    recipe: Recipe


class Plan(Value):
    """A campaign's or a sheet's shots as lists; immutable once its digest is in a record."""

    base: str
    looks: tuple[Look, ...] = Field(min_length=1)
    prompts: tuple[str, ...] = Field(min_length=1)
    variables: dict[str, tuple[str, ...]] = {}
    negative: str = ""
    sizes: tuple[tuple[int, int], ...] = Field(min_length=1)  # width, height in pixels
    seeds: tuple[int, ...] = Field(min_length=1)
    sampling: Sampling = Sampling()
    keep_raw: bool = False  # also record each image before its finish (sheets do)

    @cached_property
    def _worded(self) -> tuple[tuple[int, str, dict[str, str]], ...]:
        """(prompt index, template, values of the variables it uses) for every wording, in order."""
        return tuple(
            (number, template, values)
            for number, template in enumerate(self.prompts)
            for values in _assignments(template, self.variables)
        )

    @cached_property
    def _namers(self) -> dict[tuple[int, int], _Namer]:
        return {}

    @property
    def count(self) -> int:
        """How many shots the plan holds."""
        return prod((len(self.looks), len(self.sizes), len(self._worded), len(self.seeds)))

    def shot(self, index: int) -> Shot:
        """Shot `index` of the frozen order, 0 <= index < count."""
        assert 0 <= index < self.count, f"shot {index} of {self.count}"
        rest, seed = divmod(index, len(self.seeds))
        rest, wording = divmod(rest, len(self._worded))
        look_number, size = divmod(rest, len(self.sizes))
        number, template, values = self._worded[wording]
        look, (width, height) = self.looks[look_number], self.sizes[size]
        recipe = Recipe(
            base=self.base,
            adapters=look.adapters,
            prompt=fill(template, {**values, "trigger": look.trigger, "class": look.class_name}),
            negative=self.negative,
            seed=self.seeds[seed],
            width=width,
            height=height,
            sampling=self.sampling,
            finish=look.finish,
        )
        self._name(recipe, look_number, size)
        return Shot(index=index, look=look_number, prompt=number, variables=values, seed=recipe.seed, recipe=recipe)

    def _name(self, recipe: Recipe, look: int, size: int) -> None:
        if (look, size) not in self._namers:
            self._namers[look, size] = _Namer(recipe)
        self._namers[look, size].name(recipe)

    def shots(self, start: int = 0, stop: int | None = None) -> Iterator[Shot]:
        """The shots of [start, stop), streamed."""
        return (self.shot(index) for index in range(start, self.count if stop is None else stop))


def fill(template: str, values: dict[str, str]) -> str:
    """The prompt with its `{variables}` filled in, nothing else changed; raises ManifestInvalid for an unknown one."""
    try:
        return template.format_map(values)
    except (KeyError, ValueError, IndexError, AttributeError) as found:
        known = ", ".join("{" + name + "}" for name in sorted(values))
        raise ManifestInvalid(
            f"The prompt {template!r} cannot be filled in: {found}.", hint=f"Known variables: {known}."
        ) from found


def _assignments(template: str, variables: dict[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    used = [name for name in variables if "{" + name + "}" in template]
    for choice in itertools.product(*(variables[name] for name in used)):
        yield dict(zip(used, choice, strict=True))
