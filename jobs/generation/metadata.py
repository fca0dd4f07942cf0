"""What a PNG says of itself: the line that other tools read, and the recipe, which makes the picture again.

Of the customer's things only the prompt is told; brands, campaigns and file names stay out.
"""

from __future__ import annotations

import json

from pydantic import ValidationError

from jobs.errors import Corrupt
from jobs.identity import canonical
from jobs.shots import AdapterUse, Recipe

PARAMETERS = "parameters"
RECIPE = "brandfarm"

SAMPLER_TITLES = {"ddim": "DDIM", "euler": "Euler"}


def texts(recipe: Recipe) -> dict[str, str]:
    """The text chunks of an image's PNG by keyword: `parameters` for other tools, `brandfarm` for us."""
    return {PARAMETERS: parameters(recipe), RECIPE: canonical(recipe.model_dump(mode="json")).decode()}


def recipe_of(found: dict[str, str]) -> Recipe:
    """The recipe that a PNG's texts hold. Raises Corrupt where there is none that we can read."""
    try:
        return Recipe.model_validate_json(found[RECIPE])
    except (KeyError, ValidationError) as error:
        raise Corrupt(
            f"The picture holds no readable recipe under the keyword {RECIPE!r}.",
            hint="Take the PNG as the farm wrote it; editors and chat programs drop such texts.",
        ) from error


def parameters(recipe: Recipe) -> str:
    """The `parameters` text in the form of AUTOMATIC1111's web UI: prompt, negative prompt, one line of settings."""
    lines = [recipe.prompt]
    if recipe.negative:
        lines.append(f"Negative prompt: {recipe.negative}")
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in _settings(recipe).items()))
    return "\n".join(lines)


def _settings(recipe: Recipe) -> dict[str, str]:
    sampling = recipe.sampling
    settings = {
        "Steps": str(sampling.steps),
        "Sampler": SAMPLER_TITLES.get(sampling.name, sampling.name),
        "CFG scale": f"{sampling.guidance:g}",
        "Seed": str(recipe.seed),
        "Size": f"{recipe.width}x{recipe.height}",
        "Model hash": recipe.base[:10],
    }
    if recipe.adapters:
        settings["Lora hashes"] = ", ".join(f"{_name(use)}: {use.digest[:12]}" for use in recipe.adapters)
        settings["Lora strengths"] = ", ".join(f"{_name(use)}: {use.strength:g}" for use in recipe.adapters)
    return {**settings, "Version": "brandfarm"}


def _name(use: AdapterUse) -> str:
    return f"adapter-{use.digest[:8]}"


def _quoted(value: str) -> str:
    """Values that hold a separator stand in quotes, as the readers of this form expect."""
    return json.dumps(value, ensure_ascii=False) if any(mark in value for mark in ',:"\n') else value
