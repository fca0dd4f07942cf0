"""A brand's versions as a list, and one of them whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli import history
from cli.history import Version
from cli.output import Answer
from cli.views import marks
from cli.views.columns import Row, aligned, cell
from cluster.documents import timestamp
from jobs import keys
from jobs.manifests import BrandProject, Review
from jobs.records import FailureRecord, Sample

HEADING = (
    "VERSION", "STATE", "SERVES", "DECLARED", "PICTURES", "STEPS", "LOSS", "SECONDS", "ATTEMPTS", "VERDICTS", "CHANGES",
)  # fmt: skip


def answer(project: BrandProject, versions: Sequence[Version]) -> Answer:
    """A brand's versions in all their forms, oldest first; people get the newest first."""
    return Answer(
        people=lambda width, _wide: _table(list(reversed(versions)), width),
        rows=(HEADING, *map(_row, versions)),
        data={"project": project.title, "versions": [facts(one) for one in versions]},
        names=[f"{project.metadata.name}/{one.name}" for one in versions],
    )


def one_answer(
    project: BrandProject, one: Version, failed: Sequence[FailureRecord], samples: Sequence[Sample]
) -> Answer:
    """One version in all its forms; rows are its facts."""
    told = _told(one, failed)
    data = facts(one) | {
        "recipe": one.record.recipe.model_dump(mode="json"),
        "failures": [record.model_dump(mode="json", exclude={"writeId", "made"}) for record in failed],
        "samples": [sample.model_dump(mode="json") | {"address": keys.blob(sample.image)} for sample in samples],
        "adapter": None if one.trained is None else keys.blob(one.trained.adapter),
        "made": None if one.trained is None else one.trained.made,
    }
    return Answer(
        people=lambda width, _wide: _whole(project, one, failed, samples, width),
        rows=(("FACT", "VALUE"), *told, *(("sample", _sample(sample)) for sample in samples)),
        data=data,
        names=[f"{project.metadata.name}/{one.name}"],
    )


def facts(one: Version) -> dict[str, Any]:
    """A version as data."""
    return {
        "version": one.name,
        "state": one.state,
        "serves": one.serves,
        "declared": timestamp(one.record.created),
        "trained": one.status.trained if one.status else None,
        "dataset": one.record.dataset,
        "pictures": one.pictures,
        "base": one.record.base,
        "steps": one.record.recipe.steps,
        "finalLoss": one.trained.final_loss if one.trained else None,
        "seconds": one.trained.seconds if one.trained else None,
        "gpuHours": one.gpu_hours,
        "attempts": one.trained.attempts if one.trained else None,
        "changes": list(one.changes),
        "asked": one.record.asked,
        "sheet": one.status.sheet if one.status else None,
        "verdicts": [
            {
                "by": word.spec.by,
                "verdict": word.spec.verdict.value,
                "tags": list(word.spec.tags),
                "note": word.spec.note,
            }
            for word in one.words
        ],
    }


def _table(versions: Sequence[Version], width: int) -> RenderableType:
    if not versions:
        return Text("It has no version yet: `brandfarm why` says what its first one waits for.", "dim")
    rows = [Row(_cells(one), _note(one)) for one in versions]
    return aligned(
        ("VERSION", "STATE", "SERVES", "DECLARED", "PICTURES", "LOSS", "TOOK"),
        rows,
        width,
        "WHAT CHANGED, WHAT WAS SAID",
    )


def _cells(one: Version) -> list[Text]:
    return [
        cell(one.name, "bold"),
        marks.phase(one.state),
        cell("serves" if one.serves else ""),
        cell(marks.when(one.record.created)),
        cell("" if one.pictures is None else str(one.pictures)),
        cell("" if one.trained is None else f"{one.trained.final_loss:.4f}"),
        cell("" if one.trained is None else marks.span(one.trained.seconds)),
    ]


def _note(one: Version) -> Text:
    text = Text("; ".join(one.changes) or "the first", "dim")
    return text.append(f"\n{history.verdicts(one.words)}", "") if one.words else text


def _row(one: Version) -> tuple[str, ...]:
    trained = one.trained
    return (
        one.name,
        one.state,
        "serves" if one.serves else "",
        timestamp(one.record.created),
        "" if one.pictures is None else str(one.pictures),
        str(one.record.recipe.steps),
        "" if trained is None else f"{trained.final_loss:.6f}",
        "" if trained is None else f"{trained.seconds:.1f}",
        "" if trained is None else str(trained.attempts),
        history.verdicts(one.words),
        "; ".join(one.changes),
    )


def _told(one: Version, failed: Sequence[FailureRecord]) -> list[tuple[str, str]]:
    record, trained, status = one.record, one.trained, one.status
    recipe = record.recipe.model_dump(mode="json")
    return [
        ("version", one.name),
        ("state", one.state + (", serves" if one.serves else "")),
        ("declared", timestamp(record.created)),
        ("changes", "; ".join(one.changes) or "the first"),
        ("trigger", f"{record.trigger} {record.class_name}"),
        ("recipe", ", ".join(f"{name.replace('_', ' ')} {history.number(value)}" for name, value in recipe.items())),
        ("dataset", record.dataset + ("" if one.pictures is None else f" ({marks.plural(one.pictures, 'picture')})")),
        ("base", record.base),
        ("training", record.asked),
        *([("trained", _trained(one))] if trained else []),
        *([("adapter", keys.blob(trained.adapter))] if trained else []),
        *([("sheet", keys.blob(status.sheet))] if status and status.sheet else []),
        *((f"attempt {one.attempt}", _failure(one)) for one in failed),
        *(("review", f"{history.verdicts([word])}{_note_of(word)}") for word in one.words),
    ]


def _trained(one: Version) -> str:
    assert one.trained is not None, "only a trained version has a result"
    when = f", {one.status.trained}" if one.status and one.status.trained else ""
    count = marks.plural(one.trained.attempts, "attempt")
    took = f"{one.trained.seconds:.0f} s ({one.gpu_hours:.3g} GPU-hours)"
    return f"final loss {one.trained.final_loss:.4f}, {took}, at {count}{when}"


def _note_of(word: Review) -> str:
    return f": {word.spec.note}" if word.spec.note else ""


def _failure(record: FailureRecord) -> str:
    when = f", {timestamp(record.at)}" if record.at else ""
    return f"{record.reason}: {record.message} {record.hint}".strip() + when


def _sample(sample: Sample) -> str:
    return f"step {sample.step}, seed {sample.seed}: {keys.blob(sample.image)}"


def _whole(
    project: BrandProject, one: Version, failed: Sequence[FailureRecord], samples: Sequence[Sample], width: int
) -> RenderableType:
    told = [(what, value) for what, value in _told(one, failed) if what != "version"]
    rows = [Row([Text(what, "dim")], Text(value)) for what, value in told]
    parts: list[RenderableType] = [
        Text(f"{project.metadata.name} {one.name}", "bold"),
        aligned(("FACT",), rows, width, "VALUE"),
    ]
    if samples:
        steps = sorted({sample.step for sample in samples})
        head = f"{marks.plural(len(samples), 'sample')} at steps {', '.join(map(str, steps))}; the last:"
        last = [sample for sample in samples if sample.step == steps[-1]]
        parts += [Text(head, "dim"), *(Padding(Text(_sample(one)), (0, 0, 0, 2)) for one in last)]
    return Group(*parts)
