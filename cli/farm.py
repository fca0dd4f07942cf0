"""The questions a person may ask of a farm, as a Protocol; a fake answers them in tests, a farm on this machine or on a
Kubernetes cluster in earnest.

Knows nothing of terminals. Documents are dicts with apiVersion, kind, metadata, spec and status.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cluster.ports import JobReport, Summary
from jobs import manifests
from jobs.errors import Conflict, FarmDown, FarmError, Forbidden, ManifestInvalid, NotFound
from jobs.manifests import BrandProject, BrandProjectStatus, Campaign, CampaignStatus, Review, VersionStatus

if TYPE_CHECKING:
    from jobs.bases.catalogue import Catalogue
    from jobs.ports import ObjectStore

Document = dict[str, Any]
Progress = Callable[[int, int], None]

CHANGE_TRIES = 5
"""The controller writes statuses all the time, and each moves the resourceVersion; a person's change just tries again."""


class Farm(Protocol):
    """A farm as a person's terminal sees it. Every question may raise StoreUnavailable where its store does not answer."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    @property
    def usual_namespace(self) -> str | None:
        """The namespace that is meant where a person names none; None where all are searched."""

    @property
    def how_to_wake(self) -> str:
        """What to do where it does not work, in a sentence."""

    def person(self) -> str | None:
        """The name under which it knows who asks; None where it takes a person's word for that."""

    def exists(self) -> bool:
        """Whether anything was ever handed to it."""

    def is_up(self) -> bool:
        """Whether it works now; without that, manifests and the store can still be read and written."""

    def documents(self, kind: str, namespace: str | None = None) -> list[Document]:
        """All manifests of a kind, sorted by namespace and name; of every namespace where none is given. Raises Forbidden."""

    def document(self, kind: str, namespace: str, name: str) -> Document:
        """One manifest. Raises NotFound."""

    def create(self, document: Document) -> Document:
        """A new manifest, as it is kept. Raises Conflict where the name is taken."""

    def replace(self, document: Document) -> Document:
        """A new spec for a manifest. Raises NotFound, and Conflict where its resourceVersion is not the newest."""

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Drop a manifest. Raises NotFound."""

    def summary(self) -> Summary:
        """Workers and queue. Raises FarmDown, DispatcherUnavailable."""

    def standing(self, uid: str) -> dict[str, JobReport]:
        """Where each job of a manifest stands, by id; none where it wants nothing. Raises FarmDown, DispatcherUnavailable."""

    def job(self, job: str) -> JobReport:
        """Where a job stands and who wants it. Raises NotFound, FarmDown, DispatcherUnavailable."""

    def why(self, job: str) -> str:
        """Why a job stands where it does, in sentences. Raises NotFound, FarmDown, DispatcherUnavailable."""

    def cancel(self, jobs: Sequence[str], by: str, reason: str) -> list[JobReport]:
        """End jobs until they are retried; how each then stands. Raises FarmDown, DispatcherUnavailable."""

    def retry(self, jobs: Sequence[str]) -> list[JobReport]:
        """Grant failed jobs new attempts; how each then stands. Raises FarmDown, DispatcherUnavailable."""

    def troubles(self) -> list[str]:
        """What is wrong with the place where it is, such as a full disk, a sentence each."""

    def upload(self, folder: Path, progress: Progress | None = None) -> str:
        """Keeps a folder's files in the store; their `upload://` address. Raises SourceUnreadable."""

    @property
    def store(self) -> ObjectStore:
        """Where records, images and logs are."""

    def catalogue(self) -> Catalogue:
        """The bases that it knows; looking makes no store where there is none yet."""

    @property
    def staging(self) -> Path:
        """A folder for what is fetched before it goes into the store."""


def project(farm: Farm, namespace: str | None, name: str) -> BrandProject:
    """One brand. Raises NotFound with the nearest name, ManifestInvalid where several namespaces have one."""
    found = _parsed(find(farm, "BrandProject", namespace, name))
    assert isinstance(found, BrandProject)
    return found


def campaign(farm: Farm, namespace: str | None, name: str) -> Campaign:
    """One campaign. Raises NotFound with the nearest name, ManifestInvalid where several namespaces have one."""
    found = _parsed(find(farm, "Campaign", namespace, name))
    assert isinstance(found, Campaign)
    return found


def find(farm: Farm, kind: str, namespace: str | None, name: str) -> Document:
    """One manifest; where no namespace is given, the one that has the name.

    Raises NotFound with the nearest name, ManifestInvalid where several namespaces have it, FarmDown where there never was a farm.
    """
    require_kept(farm)
    if namespace is not None:
        with suppress(NotFound):
            return farm.document(kind, namespace, name)
    seen = visible(farm, kind)
    spaces = [str(one["metadata"]["namespace"]) for one in seen if one["metadata"]["name"] == name]
    if namespace is None and len(spaces) == 1:
        return farm.document(kind, spaces[0], name)
    if namespace is None and spaces:
        raise ManifestInvalid(f"{kind} {name} is in {' and in '.join(spaces)}.", hint="Say which with -n.")
    where = f" in namespace {namespace}" if namespace else ""
    names = [str(one["metadata"]["name"]) for one in seen if namespace in (None, one["metadata"]["namespace"])]
    raise NotFound(f"There is no {kind} {name}{where}.{nearest(name, names)}", hint=_where_else(kind, names, spaces))


def visible(farm: Farm, kind: str) -> list[Document]:
    """The manifests of a kind that this person may see: of every namespace, or where that is not allowed, of the usual one."""
    try:
        return farm.documents(kind)
    except Forbidden:
        return farm.documents(kind, farm.usual_namespace)


def require_kept(farm: Farm) -> None:
    """Raises FarmDown where nothing was ever handed to the farm."""
    if not farm.exists():
        raise FarmDown(
            f"There is no farm in {farm.place}.",
            hint="Start one with `brandfarm up`, or name its folder with --home.",
        )


def _where_else(kind: str, names: list[str], spaces: list[str]) -> str:
    if spaces:
        return f"There is one in namespace {spaces[0]}: add `-n {spaces[0]}`."
    return f"There are: {', '.join(names)}." if names else f"Apply a {kind} first: `brandfarm apply -f FILE`."


def projects(farm: Farm, namespace: str | None) -> list[BrandProject]:
    """All brands of a namespace, or of all."""
    return [one for one in map(_parsed, farm.documents("BrandProject", namespace)) if isinstance(one, BrandProject)]


def campaigns(farm: Farm, namespace: str | None) -> list[Campaign]:
    """All campaigns of a namespace, or of all."""
    return [one for one in map(_parsed, farm.documents("Campaign", namespace)) if isinstance(one, Campaign)]


def reviews(farm: Farm, of: BrandProject) -> list[Review]:
    """People's words on a brand, oldest first; those on an earlier brand of the same name are left out."""
    found = [one for one in map(_parsed, farm.documents("Review", of.metadata.namespace)) if isinstance(one, Review)]
    own = [
        one for one in found if one.spec.project == of.metadata.name and one.spec.project_uid in (None, of.metadata.uid)
    ]
    return sorted(own, key=lambda one: (one.metadata.creation_timestamp or "", _number(one)))


def change_spec(farm: Farm, kind: str, namespace: str, name: str, changes: Document) -> Document:
    """Sets fields of a manifest's spec and nothing else, whatever else is written meanwhile. Raises NotFound, Conflict."""
    for _ in range(CHANGE_TRIES):
        document = farm.document(kind, namespace, name)
        try:
            return farm.replace(document | {"spec": document["spec"] | changes})
        except Conflict as lost:
            last = lost
    raise last


def status_of(project: BrandProject) -> BrandProjectStatus:
    """What the farm says of a brand; an empty status while it has said nothing."""
    return project.status or BrandProjectStatus()


def status_of_campaign(campaign: Campaign) -> CampaignStatus:
    """What the farm says of a campaign; an empty status while it has said nothing."""
    return campaign.status or CampaignStatus()


def version(of: BrandProject, name: str) -> VersionStatus:
    """One version of a brand. Raises NotFound that names those there are."""
    versions = status_of(of).versions
    for one in versions:
        if one.version == name:
            return one
    there = ", ".join(one.version for one in versions) or "none yet"
    raise NotFound(
        f"{of.metadata.name} has no version {name}; there are: {there}.",
        hint=f"See `brandfarm status {of.metadata.name}`.",
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """A question that names the known word nearest to a mistyped one, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else ""


def _parsed(document: Document) -> manifests.AnyManifest:
    try:
        return manifests.parse(document)
    except FarmError as odd:
        metadata = document["metadata"]
        raise FarmError(
            f"{document['kind']} {metadata['namespace']}/{metadata['name']} is kept in a form that this release "
            f"does not read: {odd.message}",
            hint="Use the release that wrote it, or apply the manifest again.",
        ) from odd


def _number(review: Review) -> int:
    return int(review.metadata.resource_version or 0)
