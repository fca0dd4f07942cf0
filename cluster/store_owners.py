"""Whose is what in a store: for every brand and campaign, deleted ones too, the keys that it alone or among others holds. Pure but
for reading plans.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from cluster.store_census import Census
from jobs import blobs, keys, references
from jobs.errors import Corrupt, KeyNotFound, StoreError
from jobs.ports import ObjectStore
from jobs.references import Kind
from jobs.shots import Plan

ReadPlan = Callable[[str], Plan | None]
"""The plan under a digest, or None where it is gone."""


@dataclass(frozen=True)
class Owner:
    """A brand or a campaign: its uid, what people call it, whether it was deleted, and the keys that are its own to begin with."""

    uid: str
    title: str
    is_deleted: bool
    roots: tuple[str, ...]


def owners(census: Census) -> list[Owner]:
    """Everyone whom a record or a manifest tells of, sorted by title."""
    manifests = {one["metadata"].get("uid", ""): one for one in census.documents}
    gone = {key.rsplit("/", 1)[1]: body for key, body in census.bodies.items() if key.startswith("record/deleted/")}
    roots: dict[str, list[str]] = defaultdict(list)
    for key in census.bodies:
        if key.startswith(("record/version/", "record/campaign/")):
            roots[key.split("/")[2]].append(key)
    for key in census.names:
        if key.startswith("manifest/") and not key.startswith("manifest/Review/"):
            roots[key.rsplit("/", 1)[1]].append(key)
        elif key.startswith("record/rerun/"):
            roots[key.split("/")[2]].append(key)
    found = [
        Owner(
            uid, _title(uid, manifests.get(uid), gone.get(uid), own), uid in gone and uid not in manifests, tuple(own)
        )
        for uid, own in roots.items()
    ]
    return sorted(found, key=lambda owner: (owner.title, owner.uid))


def _title(uid: str, manifest: dict[str, object] | None, deletion: dict[str, object] | None, roots: list[str]) -> str:
    kind = "campaign" if any(key.startswith("record/campaign/") for key in roots) else "brandproject"
    if manifest is not None:
        metadata = manifest["metadata"]
        assert isinstance(metadata, dict)
        return f"{str(manifest['kind']).lower()}/{metadata['name']} in {metadata['namespace']}"
    if deletion is not None:
        return (
            f"{str(deletion.get('kind', kind)).lower()}/{deletion.get('name', uid)} in {deletion.get('namespace', '?')}"
        )
    return f"{kind} {uid}"


class Holdings:
    """What hangs on what. Beside what a record names: what was made of it, told about it, or drawn after it."""

    def __init__(self, census: Census, read_plan: ReadPlan) -> None:
        self._census, self._read_plan = census, read_plan
        self._hanging: dict[str, set[str]] = defaultdict(set)
        self._shots: dict[str, frozenset[str]] = {}
        self._plans: dict[str, str] = {}  # the plan's digest by its blob's key
        self._hang()

    def named(self, roots: Iterable[str], without: frozenset[str] = frozenset()) -> set[str]:
        """Keys that are named by roots, by what those name, and so on; the roots too."""
        return self._reached(roots, self._named, without)

    def owned(self, roots: Iterable[str], without: frozenset[str] = frozenset()) -> set[str]:
        """Keys that are named by roots or hang on what is: attempts, checkpoints, chunks, sheets and their images too."""
        return self._reached(roots, self._held, without)

    def _reached(
        self, roots: Iterable[str], edges: Callable[[str], Iterator[str]], without: frozenset[str]
    ) -> set[str]:
        reached = set(roots) - without
        waiting = deque(reached)
        while waiting:
            for key in edges(waiting.popleft()):
                if key not in reached and key not in without and self._stands(key):
                    reached.add(key)
                    waiting.append(key)
        return reached

    def _stands(self, key: str) -> bool:
        """Whether a key is there; what an unfinished work has told and kept hangs on a record that is not there yet."""
        return key in self._census.objects or key in self._census.names or key in self._hanging

    def _named(self, key: str) -> Iterator[str]:
        return (one.key for one in self._census.names.get(key, ()))

    def _held(self, key: str) -> Iterator[str]:
        yield from self._named(key)
        yield from self._hanging.get(key, ())
        if key in self._plans:
            yield from self._images(key)

    def _hang(self) -> None:
        """Notes for each key what hangs on it though it does not name it."""
        sheets = self._sheets()
        intakes: dict[str, set[str]] = defaultdict(set)
        for key, named in self._census.names.items():
            for one in named:
                if key.startswith("record/intake/") and one.kind is Kind.DATASET:
                    self._hanging[one.key].add(key)
                elif key.startswith("record/intake/") and one.kind is Kind.UPLOAD:
                    intakes[one.name].add(key)
                elif key.startswith("record/chunk/") and one.kind is Kind.PLAN:
                    self._hanging[one.key].add(key)
                elif key.startswith("record/train/") and one.kind is Kind.ADAPTER:
                    self._hanging[key].update(sheets.get(one.name, ()))
        for key, named in self._census.names.items():
            if key.startswith("manifest/"):
                self._hanging[key].update(*(intakes.get(one.name, set()) for one in named if one.kind is Kind.UPLOAD))
        for key in self._census.objects:
            asked = _asked_of(key)
            if asked:
                for made in (keys.train(asked), keys.intake(asked), keys.chunk(asked)):
                    self._hanging[made].add(key)

    def _sheets(self) -> dict[str, set[str]]:
        """The plans of contact sheets by the adapters that they show: those that no campaign's record names."""
        campaigns: set[str] = set()
        drawn: set[str] = set()
        for key, named in self._census.names.items():
            plans = {one.name for one in named if one.kind is Kind.PLAN}
            if key.startswith("record/campaign/"):
                campaigns |= plans
            drawn |= plans
        self._plans = {keys.blob(digest): digest for digest in drawn}
        sheets: dict[str, set[str]] = defaultdict(set)
        for digest in drawn - campaigns:
            for one in self._census.names.get(keys.blob(digest), ()):
                if one.kind is Kind.ADAPTER:
                    sheets[one.name].add(keys.blob(digest))
        return sheets

    def _images(self, plan_key: str) -> frozenset[str]:
        """The image records of a plan's shots."""
        if plan_key not in self._shots:
            plan = self._read_plan(self._plans[plan_key])
            self._shots[plan_key] = frozenset(_image_keys(plan)) if plan is not None else frozenset()
        return self._shots[plan_key]


def plans_of(store: ObjectStore) -> ReadPlan:
    """Reads plans from a store. Raises StoreError for one that this release cannot read: what it shows is not known."""

    def read(digest: str) -> Plan | None:
        try:
            return Plan.model_validate_json(blobs.get(store, digest))
        except KeyNotFound:
            return None
        except (Corrupt, ValidationError) as odd:
            raise StoreError(
                f"The plan {digest[:12]}... cannot be read, so which images are its own is not known: {odd}",
                hint="Restore it from a backup, or use the release of brandfarm that wrote it.",
            ) from odd

    return read


def _image_keys(plan: Plan) -> Iterator[str]:
    for shot in plan.shots():
        yield keys.image(shot.recipe.hash)
        if plan.keep_raw:
            yield keys.image(shot.recipe.raw().hash)


def _asked_of(key: str) -> str:
    """The asked thing that an attempt, a checkpoint, a failure or a retry is of; empty for any other key."""
    if key.startswith(("attempt/", "checkpoint/")):
        return key.split("/")[1]
    if key.startswith(("record/failure/", "record/retry/")):
        return key.split("/")[2]
    return ""


def kinds(census: Census) -> dict[str, references.Kind]:
    """What each named blob is; of several meanings the one that stands first among the kinds."""
    found: dict[str, references.Kind] = {}
    order = {kind: number for number, kind in enumerate(references.Kind)}
    for named in census.names.values():
        for one in named:
            if one.key not in found or order[one.kind] < order[found[one.key]]:
                found[one.key] = one.kind
    return found
