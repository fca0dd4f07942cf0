"""A draft as the YAML that a person goes on with: every field with how it was come by, and above it what was noticed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cli import yaml_text
from cli.beginning import FULL_SIZE, Draft
from jobs.datasets.noticing import Notice
from jobs.manifests import API_VERSION, Concept

SHOWN_FILES = 4
COMMENT_AT = 36  # the column, where the field leaves it free
TAGS = "[product-inconsistent, ai-look, oversaturated, low-prompt-adherence, lack-of-pose-variety]"
SEEDS = "[7, 21, 42]"


@dataclass(frozen=True)
class Place:
    """What only the one who writes knows: the folder as the manifest names it, whose pictures they are, the studio."""

    source: str
    owner: str
    namespace: str | None = None


def manifest(draft: Draft, place: Place) -> str:
    """The whole file."""
    return "".join(f"{line}\n" for line in (*_opening(draft, place), *_head(draft, place), *_spec(draft, place)))


def unnamed(notice: Notice) -> str:
    """The files of a notice, unless its sentence names them."""
    return "" if all(one in notice.sentence for one in notice.files) else named(notice.files)


def named(files: Sequence[str]) -> str:
    """The first few files, and how many more there are."""
    shown = ", ".join(_plain(one) for one in files[:SHOWN_FILES])
    return f"{shown} and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else shown


def _opening(draft: Draft, place: Place) -> Iterator[str]:
    yield f"# Written by `brandfarm init` after a look at {draft.pictures} pictures in {_plain(place.source)} ({draft.sizes})."
    yield "# Every field may be changed. `brandfarm plan -f` says what this would train, `brandfarm apply -f` begins it."
    if draft.notices:
        yield "# Noticed:"
    for notice in draft.notices:
        files = unnamed(notice)
        yield f"# - {_plain(notice.sentence)}{f' ({files})' if files else ''}."


def _head(draft: Draft, place: Place) -> Iterator[str]:
    studio = f", namespace: {_scalar(place.namespace)}" if place.namespace else ""
    yield f"apiVersion: {API_VERSION}"
    yield "kind: BrandProject"
    yield f"metadata: {{name: {_scalar(draft.asked.name)}{studio}}}"


def _spec(draft: Draft, place: Place) -> Iterator[str]:
    recipe = draft.training
    yield "spec:"
    yield _said(f"  concept: {draft.asked.concept}", "product, style or character: picks the preset")
    yield _said(f"  trigger: {_scalar(draft.trigger.value)}", draft.trigger.why)
    yield _said(f"  class: {_scalar(draft.class_name.value)}", draft.class_name.why)
    yield "  dataset:"
    yield _said(f"    source: {_scalar(place.source)}", "`brandfarm apply` uploads it")
    yield _said(f"    rights: {{owner: {_scalar(place.owner)}, basis: owned}}", "correct it where it is not so")
    yield from _base(draft)
    yield "  recipe:"
    yield f"    preset: {draft.asked.concept}"
    yield f"    rank: {recipe.rank}"
    yield f"    alpha: {recipe.rank}"
    yield _said(f"    steps: {recipe.steps}", recipe.why)
    yield f"    learningRate: {recipe.rate:.1e}".replace("e-0", "e-")
    yield _said(f"    resolution: {recipe.resolution}", _resolution_why(draft))
    yield f"    batch: {recipe.batch}"
    yield f"    seed: {recipe.seed}"
    yield _said(f"    prior: {recipe.prior:g}", "share of each batch without the brand, against leaking onto its class")
    yield f"    sampleEvery: {max(100, recipe.steps // 4 // 50 * 50)}"
    yield f"    captionDropout: {recipe.dropout:g}"
    yield from _judge(draft)
    yield _said("  finish:", "after the model, in this order")
    yield _said("    - colour: {contrast: -20, saturation: -10, gamma: 1.0}", "percent, percent, exponent")
    yield "    - grain: {power: 0.20, scale: 1.0, saturation: 1.0}"
    yield _said("  gate: {approvals: 1}", "people who must say yes to a version before it serves")
    yield _said("  serve: approved", "the newest approved version, or v3 to pin one")


def _base(draft: Draft) -> Iterator[str]:
    base = draft.asked.base
    if base.commercial:
        yield _said(
            f"  base: {{name: {_scalar(base.name)}}}", f"{base.resolution} px; `brandfarm base list` shows the others"
        )
        return
    yield _said(
        f"  base: {{name: {_scalar(base.name)}}}",
        f"its licence forbids commercial use: choose another, or add acceptLicence: {_plain(base.licence)}",
    )


def _judge(draft: Draft) -> Iterator[str]:
    is_small = draft.asked.base.resolution < FULL_SIZE
    yield _said("  judge:", draft.prompts_why)
    yield "    prompts:"
    for prompt in draft.prompts:
        yield f"      - {_scalar(prompt)}"
    yield f"    seeds: {SEEDS}"
    yield f"    sampler: {{name: ddim, steps: {20 if is_small else 30}, guidance: {2.0 if is_small else 6.0}}}"
    colours = ", ".join(f'"{colour}"' for colour in draft.palette)
    yield _said(f"    palette: [{colours}]", "what the pictures' middles share; put your own here")
    if draft.asked.concept is Concept.PRODUCT:
        yield f"    tags: {TAGS}"


def _resolution_why(draft: Draft) -> str:
    base, chosen = draft.asked.base, draft.training.resolution
    return (
        f"{base.name}'s own"
        if chosen == base.resolution
        else f"the pictures allow no more; {base.name} draws {base.resolution}"
    )


def _said(field: str, why: str) -> str:
    return f"{field.ljust(COMMENT_AT - 1)} # {_plain(why)}" if len(field) < COMMENT_AT else f"{field}  # {_plain(why)}"


def _scalar(value: str) -> str:
    return yaml_text.written(value).strip()


def _plain(text: str) -> str:
    """A text that stays within its comment, whatever a file was called."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
