"""The sheet as JSON: what `sheet.json` holds and what the page's script reads. Pure."""

from __future__ import annotations

from typing import Any

from cli.sheet import facts, verdicts
from cli.sheet.data import Cell, Image, SheetData, Training, VersionSheet, Word
from cli.sheet.files import Names

SCHEMA = "brandfarm.dev/sheet/1"


def of(data: SheetData, names: Names) -> dict[str, Any]:
    """The whole sheet; pictures by their files, relative to the sheet's folder."""
    return {
        "schema": SCHEMA,
        "verdicts": verdicts.SCHEMA,
        "project": data.project,
        "namespace": data.namespace,
        "uid": data.uid,
        "concept": data.concept,
        "trigger": data.trigger,
        "class": data.class_name,
        "palette": list(data.palette),
        "tags": list(data.tags),
        "approvalsNeeded": data.approvals_needed,
        "referenceCount": data.reference_count,
        "references": [{"image": names[one.image.digest], "caption": one.caption} for one in data.references],
        "versions": [_version(version, names) for version in data.versions],
        "missing": list(data.missing),
    }


def cell_id(cell: Cell, version: str) -> str:
    """The name of a place in the page: `v2-p0-s7`, and `v2-base-p0-s7` for the base's picture beside it."""
    look = version if cell.look == version else f"{version}-{cell.look}"
    return f"{look}-p{cell.prompt}-s{cell.seed}"


def _version(version: VersionSheet, names: Names) -> dict[str, Any]:
    return {
        "version": version.name,
        "state": version.state,
        "isServing": version.is_serving,
        "trained": version.trained,
        "approvals": version.approvals,
        "prompts": list(version.plan.prompts),
        "seeds": list(version.plan.seeds),
        "training": _training(version.training, names) if version.training else None,
        "reviews": [_word(word) for word in version.words],
        "shots": [_shot(cell, version.name, names) for cell in (*version.base, *version.cells)],
    }


def _shot(cell: Cell, version: str, names: Names) -> dict[str, Any]:
    return {
        "id": cell_id(cell, version),
        "look": cell.look,
        "version": version,
        "prompt": cell.prompt,
        "seed": cell.seed,
        "image": _file(cell.finished, names),
        "unfinished": _file(cell.raw, names),
        "missing": cell.missing,
        "recipe": cell.recipe.model_dump(mode="json"),
        "facts": [list(fact) for fact in facts.shot_facts(cell.recipe)],
    }


def _training(training: Training, names: Names) -> dict[str, Any]:
    return {
        "record": training.record.model_dump(mode="json", exclude={"writeId"}),
        "losses": [list(pair) for pair in training.losses],
        "samples": [
            {"step": one.step, "prompt": one.prompt, "seed": one.seed, "image": names[one.image.digest]}
            for one in training.samples
        ],
    }


def _word(word: Word) -> dict[str, Any]:
    shots = [{"prompt": prompt, "seed": seed, "verdict": verdict} for (prompt, seed), verdict in word.shots.items()]
    return {
        "by": word.by,
        "verdict": word.verdict,
        "tags": list(word.tags),
        "note": word.note,
        "when": word.when,
        "shots": shots,
    }


def _file(image: Image | None, names: Names) -> str | None:
    return None if image is None else names[image.digest]
