"""The model card: what the adapter is, by what right, how it was made, how it is loaded, and what was proven. Pure: text out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from jobs.finish_steps import Colour, FinishStep, Grain
from jobs.leaving.model import Format, Model
from jobs.leaving.proof import Finding

DIFFUSERS_FILE = "diffusers/pytorch_lora_weights.safetensors"
"""In a folder of its own, under the name that diffusers looks for."""


def kohya_file(model: Model) -> str:
    """The Kohya twin's name."""
    return f"{model.stem}.safetensors"


def cube_file(model: Model) -> str:
    """The LUT's name."""
    return f"{model.stem}.cube"


def sample_file(number: int) -> str:
    """A picture of the sheet, counted from 1."""
    return f"samples/{number:02d}.png"


CONTACT_SHEET = "samples/contact-sheet.png"


def written(
    model: Model, formats: Sequence[Format], findings: Sequence[Finding], hashes: dict[str, str], is_known: bool
) -> bytes:
    """The card as Markdown with the YAML head that model hubs read; `hashes` are by what they are called.

    `is_known` says whether ComfyUI, A1111 and InvokeAI can load the base.
    """
    parts = (
        _head(model),
        _opening(model),
        _samples(model),
        _use(model, formats, is_known),
        _finish(model),
        _making(model),
        _rights(model),
        _proof(findings, hashes),
    )
    return "\n\n".join("\n".join(part) for part in parts).encode() + b"\n"


def _head(model: Model) -> Iterator[str]:
    fields: dict[str, object] = {
        "base_model": model.base.name,
        "instance_prompt": f"a photo of a {model.trigger} {model.class_name}",
        "license": "other",
        "license_name": f"rights of {model.dataset.owner}",
        "tags": ["text-to-image", "diffusers", "lora", model.concept],
    }
    widget = [
        {"text": picture.recipe.prompt, "output": {"url": sample_file(number)}}
        for number, picture in enumerate(model.pictures, start=1)
    ]
    yield "---"
    for name, value in {**fields, **({"widget": widget} if widget else {})}.items():
        yield f"{name}: {json.dumps(value, ensure_ascii=False)}"  # JSON is YAML, and needs no care about quotes
    yield "---"


def _opening(model: Model) -> Iterator[str]:
    yield f"# {model.name} {model.version}"
    yield ""
    yield f"A LoRA that teaches `{model.base.name}` the {model.concept} **{model.trigger} {model.class_name}**. Write the trigger"
    yield f"`{model.trigger}` with its class `{model.class_name}` in the prompt, at strength {model.strength:g}."
    if model.state != "approved":
        yield ""
        yield f"This version is **{model.state}**, not approved."


def _samples(model: Model) -> Iterator[str]:
    yield "## Samples"
    yield ""
    if model.contact_sheet is not None:
        yield f"![Contact sheet]({CONTACT_SHEET})"
        yield ""
    if not model.pictures:
        yield "None: no picture of this version's sheet could be read when it was exported."
        return
    yield "| picture | prompt | seed |"
    yield "|---|---|---|"
    for number, picture in enumerate(model.pictures, start=1):
        yield f"| ![{number}]({sample_file(number)}) | {_cell(picture.recipe.prompt)} | {picture.recipe.seed} |"


def _use(model: Model, formats: Sequence[Format], is_known: bool) -> Iterator[str]:
    sampling, (width, height) = model.plan.sampling, model.plan.sizes[0]
    yield "## How to use it"
    yield ""
    yield f"Recommended: strength {model.strength:g}, sampler {sampling.name}, {sampling.steps} steps, guidance"
    yield f"{sampling.guidance:g}, {width} x {height} pixels: so the samples were drawn, with the finish below after it."
    if Format.DIFFUSERS in formats:
        yield from _in_diffusers(model)
    if Format.KOHYA in formats:
        yield from _in_tools(model) if is_known else _in_no_tool(model)


def _in_diffusers(model: Model) -> Iterator[str]:
    prompt = f"a photo of a {model.trigger} {model.class_name}"
    yield ""
    yield "**diffusers** (on a GPU in `torch.float16`, or `torch.bfloat16`)"
    yield ""
    yield "```python"
    yield "import torch"
    yield "from diffusers import DiffusionPipeline"
    yield ""
    yield f'base = "PATH OR ID OF {model.base.name}"'
    yield "pipeline = DiffusionPipeline.from_pretrained(base, use_safetensors=True, torch_dtype=torch.float32)"
    yield 'pipeline.load_lora_weights("diffusers", weight_name="pytorch_lora_weights.safetensors")'
    yield f"pipeline.set_adapters(pipeline.get_active_adapters(), [{model.strength:g}])"
    yield f'picture = pipeline("{prompt}", num_inference_steps={model.plan.sampling.steps},'
    yield f"                   guidance_scale={model.plan.sampling.guidance:g}).images[0]"
    yield "```"


def _in_tools(model: Model) -> Iterator[str]:
    name = kohya_file(model)
    yield ""
    yield f"**ComfyUI**: put `{name}` into `models/loras`, add a *Load LoRA* node, `strength_model` {model.strength:g};"
    yield "the file holds nothing for the text encoder."
    yield ""
    yield f"**A1111** (and Forge, SD.Next): put `{name}` with its `.json` and `.png` into `models/Lora` and write"
    yield f"`<lora:{model.stem}:{model.strength:g}> {model.trigger} {model.class_name}` in the prompt."
    yield ""
    yield f"**InvokeAI**: *Model manager, Add model*, name `{name}`; trigger and picture are read from the files beside it."


def _in_no_tool(model: Model) -> Iterator[str]:
    yield ""
    yield f"**ComfyUI, A1111, InvokeAI** cannot load the base `{model.base.name}`, whose UNet is of its own kind, so this adapter has"
    yield f"no use there. `{kohya_file(model)}` holds it in Kohya's keys by the base's own layer names; use the diffusers file."


def _finish(model: Model) -> Iterator[str]:
    yield "## Finish"
    yield ""
    if not model.finish:
        yield "None: pictures are delivered as they are drawn."
        return
    yield "What happens to a picture after it is drawn, in this order, on its display values:"
    yield ""
    for number, step in enumerate(model.finish, start=1):
        yield f"{number}. {_step(step)}"
    yield ""
    if model.colour_steps:
        yield f"`{cube_file(model)}` is the colour of it as a 3D LUT (33 points, RGB in [0, 1] as displayed, not linear light)."
    if any(step.grain for step in model.finish):
        yield "Grain is not in the LUT, since a table of colours cannot hold it: add it after the LUT with the figures above."
    if _grain_comes_before_colour(model.finish):
        yield "Here a colour step follows the grain; a LUT before the grain comes near it, but is not the same."


def _making(model: Model) -> Iterator[str]:
    record = model.record
    yield "## How it was made"
    yield ""
    yield "| setting | value |"
    yield "|---|---|"
    rows = {
        "base": f"{model.base.name}, digest `{model.base.digest}`",
        "dataset": f"{model.dataset.count} pictures, id `{model.dataset.id}`",
        "rank": record.rank,
        "layers": ", ".join(record.targets),
        **record.recipe.model_dump(mode="json", exclude={"rank"}),
        "final loss": f"{record.final_loss:.4f}",
        "made with": ", ".join(
            f"{name} {value}" for name, value in record.made.items() if isinstance(value, str | int)
        ),
    }
    for name, value in rows.items():
        yield f"| {name.replace('_', ' ')} | {_cell(str(value))} |"
    yield ""
    yield "`record.json` holds the farm's own records of it, word for word."


def _rights(model: Model) -> Iterator[str]:
    base = model.base
    allowed = "allows" if base.commercial else "does **not** allow"
    yield "## Rights"
    yield ""
    yield f"Pictures: {model.dataset.owner}, {model.dataset.basis}. Base: {base.name}, licence {base.licence}, which {allowed}"
    yield f"commercial use. {base.description}"


def _proof(findings: Sequence[Finding], hashes: dict[str, str]) -> Iterator[str]:
    yield "## What was proven before these files were written"
    yield ""
    for finding in findings:
        yield f"- **{finding.target}**: {finding.sentence}"
    yield ""
    for name, value in hashes.items():
        yield f"- {name}: `{value}`"
    yield ""
    yield "`PROOF.json` has the figures, and the sha256 of every file."


def _step(step: FinishStep) -> str:
    match step.colour or step.grain:
        case Colour() as colour:
            return (
                f"colour: contrast {colour.contrast:+g} %, saturation {colour.saturation:+g} %, gamma {colour.gamma:g}"
            )
        case Grain() as grain:
            return (
                f"grain: power {grain.power:g}, scale {grain.scale:g} pixels, saturation {grain.saturation:g}, "
                f"shadows {grain.shadows:g}, highlights {grain.highlights:g}"
            )
        case _:
            return json.dumps(step.model_dump(mode="json", exclude_none=True), ensure_ascii=False)


def _grain_comes_before_colour(steps: Sequence[FinishStep]) -> bool:
    kinds = [step.grain is not None for step in steps]
    return True in kinds and False in kinds[kinds.index(True) :]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
