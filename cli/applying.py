"""Hands manifests to a farm: local pictures are uploaded, each document is created, changed or found as it stands.

Everything is checked before anything is written. Knows no terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cli.documents import STDIN, DocumentsInvalid, Problem
from cli.documents import Document as Read
from cli.farm import Document, Farm, Progress
from cli.tables import Tables, keep_tables, read_tables
from cluster import documents as kept
from jobs import manifests
from jobs.bases.catalogue import Catalogue, Listed
from jobs.errors import BaseUnknown, Conflict, NotFound
from jobs.manifests import BrandProject, Review


class Became(StrEnum):
    """What became of a document."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Difference:
    """One field of a spec that changes: its dotted path, what stood there, what stands there now."""

    field: str
    before: object
    after: object


@dataclass(frozen=True)
class Applied:
    """A document as it is kept now, and what became of it."""

    became: Became
    document: Document
    differences: tuple[Difference, ...] = ()

    @property
    def name(self) -> str:
        """`brandproject/stable-socks`."""
        return f"{self.document['kind'].lower()}/{self.document['metadata']['name']}"


Uploading = Callable[[Path], Progress | None]
"""Asked for each folder that is uploaded: whom to tell how far it is."""


def apply(
    farm: Farm, read: Sequence[Read], namespace: str | None = None, uploading: Uploading = lambda _: None
) -> Iterator[Applied]:
    """Applies documents in their order, one by one. `namespace` is for those that name none.

    Raises ManifestInvalid before anything is written, SourceUnreadable, NotFound, Conflict.
    """
    wanted = [wanted_document(one, namespace, farm.usual_namespace) for one in read]
    catalogue = farm.catalogue()
    tables = [read_tables(one, beside(one)) for one in read]
    for one, document in zip(read, wanted, strict=True):
        require_usable_base(one, catalogue)
        live = find(farm, document)
        if live is not None:
            require_lawful(one, live, document)
    return _each(farm, read, wanted, tables, uploading)


def wanted_document(read: Read, namespace: str | None, usual: str | None = None) -> Document:
    """A document in full, in its namespace; `usual` where neither it nor the person names one.

    Raises ManifestInvalid where it names another than the one asked for.
    """
    document = manifests.dump(read.model)
    written = read.raw.get("metadata", {}).get("namespace")
    if namespace and written and written != namespace:
        expected = f"{namespace}, which -n asks for, or leave one of them out"
        raise DocumentsInvalid([Problem(read.file, read.line, 1, "metadata.namespace", str(written), expected)])
    if namespace or (usual and not written):
        document["metadata"]["namespace"] = namespace or usual
    return document


def find(farm: Farm, document: Document) -> Document | None:
    """The manifest of that name as it is kept, if there is one."""
    name = document["metadata"].get("name")
    if name is None or not farm.exists():
        return None
    try:
        return farm.document(document["kind"], document["metadata"]["namespace"], name)
    except NotFound:
        return None


def require_lawful(read: Read, live: Document, wanted: Document) -> None:
    """Raises ManifestInvalid, with the document's place, where a field would change that never does."""
    try:
        manifests.check_change(manifests.parse(live), manifests.parse(_with_uid(wanted, live)))
    except manifests.ManifestProblems as fixed:
        raise DocumentsInvalid(
            Problem(read.file, read.line, 1, problem.field, problem.found, problem.expected)
            for problem in fixed.problems
        ) from fixed


def differences(live: Document, wanted: Document) -> tuple[Difference, ...]:
    """The fields of the spec that differ."""
    found = kept.differences(live.get("spec"), wanted.get("spec"))
    return tuple(Difference(path, before, after) for path, before, after in found)


def kept_fields(read: Read, live: Document | None, wanted: Document) -> Document:
    """The wanted document; a `serve` that it does not write stays as `promote` or `rollback` left it."""
    if live is None or not isinstance(read.model, BrandProject) or "serve" in read.raw.get("spec", {}):
        return wanted
    return wanted | {"spec": wanted["spec"] | {"serve": live["spec"].get("serve", "approved")}}


def local_folder(read: Read) -> Path | None:
    """The folder of this machine that a brand's pictures are in; relative ones start at the manifest's own folder."""
    if not isinstance(read.model, BrandProject) or not manifests.is_local(read.model.spec.dataset.source):
        return None
    return beside(read) / Path(read.model.spec.dataset.source).expanduser()


def beside(read: Read) -> Path:
    """The folder that a document's relative paths start at: its own, or for one from a pipe, where one is."""
    return Path() if read.file.startswith("<") or read.file == STDIN else Path(read.file).parent


def with_source(document: Document, source: str) -> Document:
    """The brand's document with another source."""
    dataset = document["spec"]["dataset"] | {"source": source}
    return document | {"spec": document["spec"] | {"dataset": dataset}}


def _each(
    farm: Farm, read: Sequence[Read], wanted: Sequence[Document], tables: Sequence[Tables], uploading: Uploading
) -> Iterator[Applied]:
    for one, document, files in zip(read, wanted, tables, strict=True):
        folder = local_folder(one)
        if folder is not None:
            document = with_source(document, farm.upload(folder, uploading(folder)))
        if files:
            document = keep_tables(farm.store, document, files)
        yield _accepted(farm, one, document)


def _accepted(farm: Farm, read: Read, wanted: Document) -> Applied:
    """Raises ManifestInvalid, with the document's places, where only the farm itself knows a rule that it breaks."""
    try:
        return _apply(farm, read, wanted)
    except manifests.ManifestProblems as refused:
        told = [read.problem(problem.path, problem.found, problem.expected) for problem in refused.problems]
        raise DocumentsInvalid(
            told, "Correct these places and apply again; what stands before them was applied."
        ) from refused


def _apply(farm: Farm, read: Read, wanted: Document) -> Applied:
    live = find(farm, wanted)
    document = kept_fields(read, live, wanted)
    if isinstance(read.model, Review):
        return _review(farm, document, live)
    if live is None:
        return Applied(Became.CREATED, farm.create(document))
    after = farm.replace(document)
    became = Became.UNCHANGED if _persons_part(live) == _persons_part(after) else Became.CONFIGURED
    return Applied(became, after, differences(live, after))


def _persons_part(document: Document) -> list[object]:
    """What a person writes; the farm's statuses move the resourceVersion too, so that says nothing."""
    metadata = document["metadata"]
    return [document["spec"], metadata.get("labels"), metadata.get("annotations")]


def _review(farm: Farm, document: Document, live: Document | None) -> Applied:
    if live is not None:
        return Applied(Became.UNCHANGED, live)
    return Applied(Became.CREATED, farm.create(with_project_uid(farm, document)))


def with_project_uid(farm: Farm, document: Document) -> Document:
    """The review bound to the project that has the name now. Raises NotFound where there is none."""
    spec = document["spec"]
    project = farm.document("BrandProject", document["metadata"]["namespace"], spec["project"])
    uid = project["metadata"]["uid"]
    if spec.get("projectUid") not in (None, uid):
        raise Conflict(
            f"The review is of an earlier {spec['project']}, which was deleted and made anew.",
            hint="Write a sheet of the brand that stands now, and review that.",
        )
    return document | {"spec": spec | {"projectUid": uid}}


def _with_uid(wanted: Document, live: Document) -> Document:
    """A review as it would be kept, for comparison: whoever writes none means the project that it was bound to."""
    uid = live["spec"].get("projectUid")
    if wanted["kind"] != "Review" or uid is None:
        return wanted
    return wanted | {"spec": {"projectUid": uid} | wanted["spec"]}


def require_usable_base(read: Read, catalogue: Catalogue) -> None:
    """Raises ManifestInvalid at the base's own place, where none has that name or its licence is not accepted."""
    if not isinstance(read.model, BrandProject):
        return
    choice = read.model.spec.base
    try:
        base = catalogue.by_name(choice.name)
    except BaseUnknown as unknown:
        known = ", ".join(base.name for base in catalogue.all())
        expected = f"one of: {known}; or add it with `brandfarm base add`"
        raise DocumentsInvalid([read.problem(("spec", "base", "name"), repr(choice.name), expected)]) from unknown
    if base.forbids(choice.accept_licence):
        raise DocumentsInvalid([_unaccepted(read, base, choice.accept_licence)])


def _unaccepted(read: Read, base: Listed, accepted: str | None) -> Problem:
    """What is wrong where a licence forbids commercial use: no word on it, or the word on another licence."""
    accept = f"acceptLicence: {base.licence}, if this brand is never used commercially"
    if accepted is not None:
        found = f"{accepted!r}, and the licence of {base.name} is {base.licence}"
        return read.problem(("spec", "base", "acceptLicence"), found, accept)
    found = f"{base.name!r}, whose licence {base.licence} forbids commercial use"
    return read.problem(("spec", "base", "name"), found, f"another base; or {accept}, beside it")
