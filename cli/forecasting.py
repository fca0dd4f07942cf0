"""What manifests would train and draw if they were applied now. Asks the farm what stands; changes nothing.

An upload's address is worked out without uploading, so that the same pictures are seen to be the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli import applying, farm, scheduling
from cli.applying import Difference
from cli.documents import Document as Read
from cli.farm import Document, Farm
from cluster import uploads
from jobs import manifests
from jobs.datasets import folder as folders
from jobs.datasets.folder import FolderSource
from jobs.errors import KeyNotFound
from jobs.manifests import AdapterChoice, BrandProject, BrandProjectSpec, Campaign, Look, resolve_recipe
from jobs.ports import Stored

SHOWN_UNUSABLE = 3  # pictures whose captions cannot be used, each named


@dataclass(frozen=True)
class Forecast:
    """What one manifest would change and cause. `work` is what would be done, each a sentence; `warnings` are for a person."""

    kind: str
    name: str
    change: str  # create, change, none
    work: tuple[str, ...]
    shots: int = 0
    steps: int = 0
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()


def forecast(asked: Farm, read: Sequence[Read], namespace: str | None = None) -> Iterator[Forecast]:
    """A forecast for each document. Raises ManifestInvalid, SourceUnreadable."""
    planned = frozenset(one.model.metadata.name or "" for one in read if isinstance(one.model, BrandProject))
    for one in read:
        wanted = applying.wanted_document(one, namespace, asked.usual_namespace)
        live = applying.find(asked, wanted)
        if live is not None:
            applying.require_lawful(one, live, wanted)
        yield _forecast(asked, one, wanted, live, planned)


def _forecast(asked: Farm, read: Read, wanted: Document, live: Document | None, planned: frozenset[str]) -> Forecast:
    match read.model:
        case BrandProject():
            applying.require_usable_base(read, asked.catalogue())
            return _brand(read, read.model, wanted, live)
        case Campaign():
            return _campaign(asked, read.model, wanted, live, planned)
        case _:
            name = read.model.metadata.name or f"{read.model.metadata.generate_name}*"
            said = f"{read.model.spec.by} says {read.model.spec.verdict} of {read.model.spec.project} "
            return Forecast("Review", name, _change(wanted, live), (said + read.model.spec.version,))


def _brand(read: Read, project: BrandProject, wanted: Document, live: Document | None) -> Forecast:
    folder = applying.local_folder(read)
    warnings: tuple[str, ...] = ()
    pictures = project.spec.dataset.source
    if folder is not None:
        wanted = applying.with_source(wanted, uploads.write_upload(_Nowhere(), folder))
        pictures, warnings = _folder(folder, project.spec)
    wanted = applying.kept_fields(read, live, wanted)
    work, steps = _training(project, wanted, live, pictures)
    changed = applying.differences(live, wanted) if live else ()
    name = project.metadata.name or ""
    return Forecast("BrandProject", name, _change(wanted, live), work, 0, steps, changed, warnings)


def _training(
    project: BrandProject, wanted: Document, live: Document | None, pictures: str
) -> tuple[tuple[str, ...], int]:
    if live is not None and _declared(wanted) == _declared(live):
        newest = (live.get("status") or {}).get("newest")
        return (f"trains nothing: {newest or 'its first version'} is what it declares",), 0
    number = 1 + _newest(live)
    recipe = resolve_recipe(project.spec).train
    how = (
        f"{recipe.steps} steps at rank {recipe.rank}, {recipe.resolution} px, batch {recipe.batch}, seed {recipe.seed}"
    )
    judge = project.spec.judge
    sheet = 2 * len(judge.prompts) * len(judge.seeds)
    approval = project.spec.gate.approvals
    after = f"waits for {approval} approval{'' if approval == 1 else 's'}" if approval else "serves at once"
    return (
        f"trains v{number} on {pictures}: {how}",
        f"draws {sheet} images for its contact sheet, then {after}",
    ), recipe.steps


def _newest(live: Document | None) -> int:
    newest = ((live or {}).get("status") or {}).get("newest")
    return manifests.version_number(newest) if newest else 0


def _declared(document: Document) -> list[object]:
    """The part of a brand's spec that decides a version, as the farm tells declarations apart."""
    spec = document["spec"]
    dataset = {key: spec["dataset"].get(key) for key in ("source", "glossary", "minImages")}
    recipe = {key: value for key, value in spec.get("recipe", {}).items() if key != "sampleEvery"}
    return [dataset, spec["base"]["name"], spec["concept"], spec["trigger"], recipe]


def _folder(folder: Path, spec: BrandProjectSpec) -> tuple[str, tuple[str, ...]]:
    """A folder's pictures in words, and what is odd about its captions. Raises DatasetInvalid for a listing that cannot be read."""
    told = folders.told(FolderSource(folder), spec.dataset.glossary)
    silent = [told.where[name] for name in told.lacking(spec.trigger)]
    bare, unusable, count = told.bare, told.unusable, len(told.pictures)
    warnings = (
        *([f"{len(bare)} pictures have no caption, first {bare[0]}"] if bare else []),
        *(f"{name} cannot be taken: {reason}" for name, reason in unusable[:SHOWN_UNUSABLE]),
        *([f"{len(silent)} captions do not say {spec.trigger}, first {silent[0]}"] if silent else []),
        *([f"{count} pictures; at least {spec.dataset.min_images} are needed"] if _too_few(count, spec) else []),
    )
    return f"{count} pictures in {folder}", warnings


def _too_few(count: int, spec: BrandProjectSpec) -> bool:
    return count < spec.dataset.min_images


def _campaign(
    asked: Farm, campaign: Campaign, wanted: Document, live: Document | None, planned: frozenset[str]
) -> Forecast:
    spec = campaign.spec
    nights, warnings = scheduling.told(campaign, time.time())
    if live is not None:
        phase = (live.get("status") or {}).get("phase", "Pending")
        work = nights or (f"draws nothing anew: it is {phase}",)
        return Forecast("Campaign", campaign.metadata.name or "", _change(wanted, live), work, warnings=warnings)
    namespace = str(wanted["metadata"]["namespace"])
    looks = tuple(_look(asked, namespace, look, planned) for look in spec.looks)
    return Forecast(
        "Campaign",
        campaign.metadata.name or "",
        "create",
        (f"draws {spec.product}", *looks, f"with {spec.sampler.steps} {spec.sampler.name.value} steps each", *nights),
        shots=spec.shot_count,
        steps=spec.shot_count * spec.sampler.steps,
        warnings=warnings,
    )


def _look(asked: Farm, namespace: str, look: Look, planned: frozenset[str]) -> str:
    """A look in words, such as `of socks v3 at 0.9 with film-noir v7 at 0.4`."""
    brands = {one.metadata.name or "": one for one in farm.projects(asked, namespace)}
    return "of " + " with ".join(_choice(asked, brands, choice, planned) for choice in look.choices)


def _choice(asked: Farm, brands: Mapping[str, BrandProject], choice: AdapterChoice, planned: frozenset[str]) -> str:
    strength = "" if choice.strength == 1.0 else f" at {choice.strength:g}"
    if choice.version != "serving":
        return f"{choice.brand} {choice.version}{strength}"
    if choice.brand not in brands and choice.brand not in planned:
        return f"{choice.brand}{strength}, which the farm does not know"
    serving = farm.status_of(brands[choice.brand]).serving if choice.brand in brands else None
    return f"{choice.brand} {serving}{strength}" if serving else f"{choice.brand}{strength}, once a version serves"


def _change(wanted: Document, live: Document | None) -> str:
    if live is None:
        return "create"
    return "none" if live["spec"] == wanted["spec"] else "change"


class _Nowhere:
    """A store that says it has every blob already, so that an upload only works out its address."""

    def put(self, key: str, data: bytes) -> None:
        raise AssertionError(f"a plan writes nothing, not even {key} ({len(data)} bytes)")

    def create(self, key: str, data: bytes) -> bool:
        raise AssertionError(f"a plan writes nothing, not even {key} ({len(data)} bytes)")

    def get(self, key: str) -> bytes:
        raise KeyNotFound(f"Nothing stands under {key}.")

    def exists(self, key: str) -> bool:
        return bool(key)

    def list(self, prefix: str) -> Iterator[str]:
        return iter(())

    def sizes(self, prefix: str) -> Iterator[Stored]:
        return iter(())

    def stat(self, key: str) -> Stored | None:
        return Stored(key, 0, time.time())

    def put_file(self, key: str, path: Path, tell: Callable[[int], None] | None = None) -> None:
        raise AssertionError(f"a plan writes nothing, not even {key} ({path})")

    def get_file(self, key: str, path: Path) -> None:
        raise KeyNotFound(f"Nothing stands under {key} for {path}.")

    def delete(self, key: str) -> None:
        raise AssertionError(f"a plan deletes nothing, not even {key}")
