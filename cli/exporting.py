"""Gathers a version that is to leave the farm, and hands it to the half that makes and proves its files.

That half needs torch; it is imported when it is needed, and its lack is said in words. Knows no terminal.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import farm as farms
from cli import sheet
from cli.farm import Farm
from cli.sheet import contact_png
from cli.sheet.data import SheetData
from cluster.farm_home import default_bases
from jobs import blobs, keys, plan, publish
from jobs.bases.catalogue import Catalogue
from jobs.errors import Corrupt, FarmError, KeyNotFound, NotApproved, NotFound
from jobs.leaving.model import BaseFacts, DatasetFacts, Format, Model, Picture
from jobs.manifests import BrandProject, VersionStatus, names
from jobs.ports import ObjectStore
from jobs.records import DatasetRecord, TrainRecord, VersionRecord
from jobs.records import Picture as Reference
from jobs.shots import Plan

if TYPE_CHECKING:
    from jobs.bases.loading import Base
    from jobs.leaving.export import Exported

MOST_SAMPLES = 8
WORKSHOP = ("torch", "diffusers", "peft", "transformers", "PIL")
INSTALL = "Install them with `uv tool install 'brandfarm[worker]'` (or `pipx install 'brandfarm[worker]'`), then export again."


class WorkshopMissing(FarmError):
    """The libraries that load and compare models are not installed."""


def chosen(brand: BrandProject, version: str | None) -> VersionStatus:
    """The version that is named, or the one that serves. Raises NotFound, and NotApproved where none serves."""
    if version is not None:
        return farms.version(brand, version)
    serving = farms.status_of(brand).serving
    if serving is not None:
        return farms.version(brand, serving)
    name = brand.metadata.name
    there = ", ".join(one.version for one in farms.status_of(brand).versions)
    raise NotApproved(
        f"No version of {name} serves yet" + (f"; there are: {there}." if there else ", and none is trained."),
        hint=f"Approve one with `brandfarm approve {name}`, or name the one to export.",
    )


def gather(farm: Farm, brand: BrandProject, version: VersionStatus, strength: float) -> Model:
    """Everything that the files of a version say of it. Raises NotFound where it is not trained, or its records are lost."""
    store, spec = farm.store, brand.spec
    trained = _trained(store, brand, version)
    frozen = _frozen(store, brand, version)
    sheets = _sheet(farm, brand, version)
    drawn_by = _plan(store, brand, version, frozen, trained)
    known = Catalogue(store).by_digest(trained.base)
    return Model(
        name=brand.metadata.name or "",
        namespace=brand.metadata.namespace,
        version=version.version,
        state=version.state,
        concept=spec.concept.value,
        class_name=frozen.class_name if frozen else spec.class_name,
        record=trained,
        frozen=frozen,
        dataset=_dataset(store, brand, trained),
        base=BaseFacts(known.name, known.family, trained.base, known.licence, known.commercial, known.description),
        plan=drawn_by,
        finish=drawn_by.looks[-1].finish,
        strength=strength,
        pictures=() if sheets is None else _pictures(sheets),
        contact_sheet=None if sheets is None else _contact_sheet(sheets),
    )


def leave(
    store: ObjectStore, model: Model, formats: Sequence[Format], to: Path, force: bool, tell: Callable[[str], None]
) -> Exported:
    """Makes, proves and writes the files. Raises WorkshopMissing, ExportMismatch, ExportRefused and what the store raises."""
    _require_workshop()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded; busy waiting is slow beside a farm
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # it remarks on packages that nobody needs here
    from jobs.leaving import export, folder

    folder.require_free(to, force)
    tell(f"loading the base {model.base.name}")
    return export.export(_base(store, model), store, model, formats, to, force=force, tell=tell)


def _require_workshop() -> None:
    missing = [name for name in WORKSHOP if importlib.util.find_spec(name) is None]
    if missing:
        raise WorkshopMissing(
            f"An export is proven by drawing with it, and {', '.join(missing)} is not installed here.", hint=INSTALL
        )


def _base(store: ObjectStore, model: Model) -> Base:
    """The base that the version was trained on, fetched from the store where it is not on this disk."""
    import torch

    from jobs.bases import loading
    from jobs.bases.on_disk import BasesOnDisk

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return loading.load(BasesOnDisk(store, default_bases()).entry(model.base.digest), device)


def _trained(store: ObjectStore, brand: BrandProject, version: VersionStatus) -> TrainRecord:
    body = publish.read(store, keys.train(version.asked)) if version.asked else None
    if body is None:
        name = brand.metadata.name
        raise NotFound(
            f"{version.version} of {name} is {version.state}: no trained adapter is recorded in this farm's store.",
            hint=f"`brandfarm wait {name}` until it is trained, or name another version.",
        )
    return TrainRecord.model_validate(body)


def _frozen(store: ObjectStore, brand: BrandProject, version: VersionStatus) -> VersionRecord | None:
    body = publish.read(store, keys.version(brand.metadata.uid or "", names.version_number(version.version)))
    return None if body is None else VersionRecord.model_validate(body)


def _sheet(farm: Farm, brand: BrandProject, version: VersionStatus) -> SheetData | None:
    """The version's contact sheet, or None where it is not drawn or not whole."""
    try:
        return sheet.gather(farm.store, brand, farms.reviews(farm, brand), versions=(version.version,))
    except (NotFound, KeyNotFound, Corrupt):
        return None


def _plan(
    store: ObjectStore,
    brand: BrandProject,
    version: VersionStatus,
    frozen: VersionRecord | None,
    trained: TrainRecord,
) -> Plan:
    """The sheet's plan as it was drawn, or as it would be drawn now."""
    if version.sheet and blobs.exists(store, version.sheet):
        return Plan.model_validate(blobs.get_json(store, version.sheet))
    if frozen is None:
        raise NotFound(
            f"{version.version} of {brand.metadata.name} has neither a contact sheet nor a record in this farm's store.",
            hint="Export it from the farm that trained it.",
        )
    return plan.sheet_plan(brand, frozen, trained.adapter)


def _dataset(store: ObjectStore, brand: BrandProject, trained: TrainRecord) -> DatasetFacts:
    rights = brand.spec.dataset.rights
    body = publish.read(store, keys.dataset(trained.dataset))
    listed: list[Any] = []
    if body is not None:
        listed = blobs.get_json(store, DatasetRecord.model_validate(body).pictures)
    captions = tuple(Reference.model_validate(one).caption for one in listed)
    return DatasetFacts(trained.dataset, len(captions), captions, rights.owner, rights.basis.value)


def _pictures(data: SheetData) -> tuple[Picture, ...]:
    """The version's pictures, every prompt at the first seed before any at the second."""
    cells = [cell for cell in data.newest.cells if cell.finished is not None]
    by_seed = sorted(cells, key=lambda cell: data.newest.plan.seeds.index(cell.seed))
    return tuple(
        Picture(data.pictures[cell.finished.digest], cell.recipe) for cell in by_seed[:MOST_SAMPLES] if cell.finished
    )


def _contact_sheet(data: SheetData) -> bytes | None:
    """The overview as a PNG; None where Pillow lacks, which the heavy half will say."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return contact_png.draw(data, Path(folder) / "sheet.png").read_bytes()
        except contact_png.PillowMissing:
            return None
