"""Collects what a contact sheet shows from a store and a project's document. Reads only; decides nothing of how it looks.

Every picture is verified against its digest; what is not there is said in a sentence, and the rest is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cli.sheet.data import BASE, Cell, Image, Reference, Sample, SheetData, Training, VersionSheet, Word
from cli.sheet.reader import Reader, Trained
from jobs import manifests, shots
from jobs.errors import NotFound
from jobs.manifests import BrandProject, BrandProjectStatus, Review, VersionStatus
from jobs.ports import ObjectStore
from jobs.records import Picture

MOST_VERSIONS = 4


def gather(
    store: ObjectStore,
    project: BrandProject | Mapping[str, Any],
    reviews: Iterable[Review | Mapping[str, Any]] = (),
    *,
    versions: Sequence[str] = (),
) -> SheetData:
    """The sheet of a project whose status names its versions; `versions` are shown, or else the newest four.

    Raises NotFound where a version has no sheet yet, KeyNotFound and Corrupt where its plan is lost, StoreUnavailable.
    """
    model = _model(project)
    chosen = _chosen(model, versions)
    reader = Reader(store)
    plans = {version.version: reader.plan(version) for version in chosen}
    trained = {version.version: reader.train(version) for version in chosen}
    dataset = _dataset_of(model, trained[chosen[-1].version])
    listed, count = reader.references(dataset)
    reader.see_recipes(plans.values())
    reader.see_pictures([one.image for one in listed], trained.values())
    words = _words(model, reviews)
    sheets = tuple(
        _sheet(model, version, plans[version.version], trained[version.version], reader, words) for version in chosen
    )
    references = _references(listed, reader)
    spec = model.spec
    return SheetData(
        namespace=model.metadata.namespace,
        project=model.metadata.name or "",
        uid=model.metadata.uid or "",
        concept=spec.concept.value,
        trigger=spec.trigger,
        class_name=spec.class_name,
        palette=spec.judge.palette,
        tags=spec.judge.tags,
        approvals_needed=spec.gate.approvals,
        references=references,
        reference_count=count,
        versions=sheets,
        missing=(*_missing_pictures(sheets), *reader.troubles),
        pictures=reader.pictures,
    )


def _model(project: BrandProject | Mapping[str, Any]) -> BrandProject:
    if isinstance(project, BrandProject):
        return project
    model = manifests.parse(project)
    assert isinstance(model, BrandProject)
    return model


def _chosen(model: BrandProject, names: Sequence[str]) -> list[VersionStatus]:
    status = model.status or BrandProjectStatus()
    ready = {version.version: version for version in status.versions if version.sheet}
    absent = [name for name in names if name not in ready]
    if absent or not ready:
        what = f"{', '.join(absent)} of {model.title}" if absent else f"{model.title}"
        have = f"Versions with one: {', '.join(ready)}." if ready else "No version has been drawn yet."
        raise NotFound(
            f"There is no contact sheet of {what}. {have}",
            hint="`brandfarm status -w` shows how far it is; try again once its version is trained and drawn.",
        )
    if names:
        return [version for name, version in ready.items() if name in names]
    return list(ready.values())[-MOST_VERSIONS:]


def _dataset_of(model: BrandProject, trained: Trained | None) -> str:
    """The dataset that the newest version was trained on; the project may have moved on to another."""
    if trained is not None:
        return trained.record.dataset
    return model.status.dataset.id if model.status and model.status.dataset else ""


def _sheet(
    model: BrandProject,
    version: VersionStatus,
    plan: shots.Plan,
    trained: Trained | None,
    reader: Reader,
    words: Mapping[str, tuple[Word, ...]],
) -> VersionSheet:
    cells = [_cell(plan, shot, version.version, reader) for shot in plan.shots()]
    return VersionSheet(
        name=version.version,
        state=version.state,
        is_serving=bool(model.status and model.status.serving == version.version),
        trained=version.trained or "",
        approvals=version.approvals,
        plan=plan,
        base=tuple(cell for cell in cells if cell.look == BASE),
        cells=tuple(cell for cell in cells if cell.look != BASE),
        training=None if trained is None else _training(trained, reader),
        words=words.get(version.version, ()),
    )


def _cell(plan: shots.Plan, shot: shots.Shot, version: str, reader: Reader) -> Cell:
    finished, why = reader.shown(shot.recipe)
    raw = reader.shown(shot.recipe.raw())[0] if shot.recipe.finish else None
    look = version if plan.looks[shot.look].adapters else BASE
    return Cell(look, shot.prompt, shot.seed, shot.recipe, finished, raw, why)


def _training(trained: Trained, reader: Reader) -> Training:
    side = trained.record.recipe.resolution
    samples = (
        Sample(one.step, one.prompt, one.seed, Image(one.image, side, side))
        for one in trained.samples
        if one.image in reader.pictures
    )
    unseen = sum(one.image in reader.lost for one in trained.samples)
    if unseen:
        reader.troubles.append(f"{unseen} of {len(trained.samples)} training samples cannot be read from the store.")
    return Training(trained.record, trained.losses, tuple(samples))


def _references(listed: Sequence[Picture], reader: Reader) -> tuple[Reference, ...]:
    unseen = sum(one.image in reader.lost for one in listed)
    if unseen:
        reader.troubles.append(f"{unseen} of {len(listed)} reference pictures cannot be read from the store.")
    return tuple(
        Reference(Image(one.image, one.width, one.height), one.caption)
        for one in listed
        if one.image in reader.pictures
    )


def _words(model: BrandProject, reviews: Iterable[Review | Mapping[str, Any]]) -> dict[str, tuple[Word, ...]]:
    """What has been said of this very project, by version, oldest first."""
    parsed = (one if isinstance(one, Review) else manifests.parse(one) for one in reviews)
    said: dict[str, tuple[Word, ...]] = {}
    for review in sorted(
        (one for one in parsed if isinstance(one, Review) and _speaks_of(one, model)),
        key=lambda one: one.metadata.creation_timestamp or "",
    ):
        spec = review.spec
        marks = {(shot.prompt, shot.seed): shot.verdict.value for shot in spec.shots}
        when = review.metadata.creation_timestamp or ""
        word = Word(spec.by, spec.verdict.value, spec.tags, spec.note, when, marks)
        said[spec.version] = (*said.get(spec.version, ()), word)
    return said


def _speaks_of(review: Review, model: BrandProject) -> bool:
    same_name = (review.metadata.namespace, review.spec.project) == (model.metadata.namespace, model.metadata.name)
    return same_name and review.spec.project_uid in (None, model.metadata.uid)


def _missing_pictures(sheets: Iterable[VersionSheet]) -> Iterator[str]:
    for sheet in sheets:
        for cells, whose in ((sheet.base, f"the base's beside {sheet.name}"), (sheet.cells, sheet.name)):
            gone = [cell for cell in cells if cell.finished is None]
            if gone:
                first = gone[0]
                yield (
                    f"{len(gone)} of {len(cells)} pictures of {whose} are missing, "
                    f"first prompt {first.prompt + 1} with seed {first.seed}: {first.missing}."
                )
