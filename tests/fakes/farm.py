"""A farm in memory that answers what cli.farm.Farm asks, with the identities and generations of the real manifests."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.farm import Document, Progress
from cluster import attempts, documents
from cluster.ports import JobReport, Summary, Trouble, WorkerReport
from cluster.uploads import write_upload
from jobs.bases.catalogue import Catalogue
from jobs.errors import Conflict, FarmDown, NotFound
from jobs.ports import ObjectStore

IDLE = Summary(
    epoch=1,
    waiting=3,
    leased=2,
    done=5,
    failed=0,
    workers=(WorkerReport(name="worker-0", alive=True, base="b" * 64, gpu_class="cpu", jobs=("j1", "j2")),),
)


class FakeFarm:
    """Holds documents by (kind, namespace, name); `store` is any ObjectStore."""

    def __init__(self, store: ObjectStore, *, up: bool = True, kept: bool = True, summary: Summary = IDLE) -> None:
        self._store, self.up, self.kept, self._summary = store, up, kept, summary
        self._documents: dict[tuple[str, str, str], Document] = {}
        self._version = 0
        self.work: dict[str, dict[str, JobReport]] = {}  # by uid and job
        self.reasons: dict[str, str] = {}  # by job
        self.wrongs: list[str] = []
        self.usual: str | None = None
        self.known_as: str | None = None

    @property
    def place(self) -> str:
        return "/farm"

    @property
    def usual_namespace(self) -> str | None:
        return self.usual

    @property
    def how_to_wake(self) -> str:
        return "`brandfarm up` starts it."

    def person(self) -> str | None:
        return self.known_as

    @property
    def store(self) -> ObjectStore:
        return self._store

    def exists(self) -> bool:
        return self.kept

    def is_up(self) -> bool:
        return self.up

    def documents(self, kind: str, namespace: str | None = None) -> list[Document]:
        found = (key for key in sorted(self._documents) if key[0] == kind and namespace in (None, key[1]))
        return [self._documents[key] for key in found]

    def document(self, kind: str, namespace: str, name: str) -> Document:
        try:
            return self._documents[kind, namespace, name]
        except KeyError as missing:
            raise NotFound(f"There is no {kind} {name} in namespace {namespace}.", hint="Apply it.") from missing

    def create(self, document: Document) -> Document:
        self.kept = True
        self._version += 1
        metadata, namespace = document["metadata"], documents.namespace_of(document)
        name = metadata.get("name") or f"{metadata['generateName']}{self._version:05d}"
        if (document["kind"], namespace, name) in self._documents:
            raise Conflict(f"{document['kind']} {name} exists.", hint="Choose another name.")
        return self._keep(
            documents.created(
                document, name=name, uid=f"uid-{name}", resource_version=self._version, now=float(self._version)
            )
        )

    def replace(self, document: Document) -> Document:
        old = self.document(document["kind"], documents.namespace_of(document), document["metadata"]["name"])
        documents.refuse_lost_race(old, document)
        new = documents.replaced(old, document, self._version + 1)
        if new is None:
            return old
        self._version += 1
        return self._keep(new)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        del self._documents[kind, namespace, self.document(kind, namespace, name)["metadata"]["name"]]

    def summary(self) -> Summary:
        self._require_up()
        return self._summary

    def standing(self, uid: str) -> dict[str, JobReport]:
        self._require_up()
        return dict(self.work.get(uid, {}))

    def job(self, job: str) -> JobReport:
        owners = tuple(sorted(uid for uid in self.work if job in self.work[uid]))
        return self._report(job).model_copy(update={"owners": owners})

    def why(self, job: str) -> str:
        return self.reasons.get(job) or f"It is {self._report(job).state}."

    def cancel(self, jobs: Sequence[str], by: str, reason: str) -> list[JobReport]:
        return [self._change(job, "failed", attempts.cancellation(by, reason)) for job in jobs]

    def retry(self, jobs: Sequence[str]) -> list[JobReport]:
        return [self._change(job, "waiting", None) for job in jobs]

    def troubles(self) -> list[str]:
        return list(self.wrongs)

    def put_to_work(self, uid: str, job: str, report: JobReport) -> None:
        """What the dispatcher would say of a job that a manifest wants."""
        self.work.setdefault(uid, {})[job] = report

    def _report(self, job: str) -> JobReport:
        self._require_up()
        found = next((jobs[job] for jobs in self.work.values() if job in jobs), None)
        if found is None:
            raise NotFound(f"No job {job[:12]} is wanted.", hint="See `brandfarm status`.")
        return found

    def _change(self, job: str, state: str, trouble: Trouble | None) -> JobReport:
        changed = self._report(job).model_copy(update={"state": state, "trouble": trouble})
        for jobs in self.work.values():
            if job in jobs:
                jobs[job] = changed
        return changed

    def _require_up(self) -> None:
        if not self.up:
            raise FarmDown("No farm runs in /farm.", hint="Start one with `brandfarm up`.")

    def upload(self, folder: Path, progress: Progress | None = None) -> str:
        return write_upload(self._store, folder, progress)

    def catalogue(self) -> Catalogue:
        return Catalogue(self._store)

    @property
    def staging(self) -> Path:
        return Path(tempfile.gettempdir()) / "brandfarm-tests-staging"

    def set_status(self, kind: str, namespace: str, name: str, status: dict[str, Any]) -> None:
        """What the controller would say; of the generation that stands, unless the status names another."""
        old = self.document(kind, namespace, name)
        self._version += 1
        told = {"observedGeneration": old["metadata"]["generation"], **status}
        self._keep(documents.with_status(old, told, self._version))

    def _keep(self, document: Document) -> Document:
        metadata = document["metadata"]
        self._documents[document["kind"], metadata["namespace"], metadata["name"]] = document
        return document
