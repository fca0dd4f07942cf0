"""Plain data for tests: manifests, records and reports with everything filled in, changed by name."""

from __future__ import annotations

import hashlib
from typing import Any

from cluster.ports import JobReport, Trouble
from jobs.bases.catalogue import Listed
from jobs.records import ChunkRecord, IntakeRecord, TrainRecord, VersionRecord
from jobs.spec import GenerateAsk, IntakeAsk, Job, TrainAsk

Document = dict[str, Any]

NOON = 1_800_000_000.0
"""2027-01-15T08:00:00Z, in seconds since 1970."""


def digest(word: str) -> str:
    """A digest that is always the same for a word."""
    return hashlib.sha256(word.encode()).hexdigest()


def project(name: str = "stable-socks", namespace: str = "default", **spec: Any) -> Document:
    """A BrandProject that is sound as it stands; `spec` replaces whole fields of its spec, written as in YAML."""
    written = {
        "concept": "product",
        "trigger": "stblsx",
        "class": "sock",
        "dataset": {"source": f"upload://{digest(name)}", "rights": {"owner": "Studio A", "basis": "owned"}},
        "base": {"name": "tiny"},
        "recipe": {"steps": 300},
        "judge": {"prompts": ["a photo of a stblsx sock on a beach", "a stblsx sock at night"], "seeds": [7, 21]},
        "gate": {"approvals": 1},
    }
    return _document("BrandProject", name, namespace, written | spec)


def campaign(name: str = "spring", namespace: str = "default", **spec: Any) -> Document:
    """A Campaign of 20 shots of stable-socks; `spec` replaces whole fields of its spec."""
    written = {
        "looks": [{"brand": "stable-socks", "strength": 0.9}],
        "shots": {
            "prompts": ["a photo of a {trigger} {class} on a {place}"],
            "variables": {"place": ["beach", "rooftop"]},
            "sizes": ["64x64"],
            "seeds": {"start": 1, "count": 10},
        },
    }
    return _document("Campaign", name, namespace, written | spec)


def review(version: str = "v1", by: str = "lead@studio-a", verdict: str = "approve", **spec: Any) -> Document:
    """A Review of stable-socks, without a name of its own yet."""
    written = {"by": by, "project": "stable-socks", "version": version, "verdict": verdict}
    document = _document("Review", "", "default", written | spec)
    document["metadata"] = {"generateName": f"{document['spec']['project']}-{version}-", "namespace": "default"}
    return document


def kept(
    document: Document, uid: str = "uid-1", generation: int = 1, created: str = "2027-01-15T08:00:00Z"
) -> Document:
    """The document as an API server keeps it."""
    filled = {"uid": uid, "generation": generation, "resourceVersion": "1", "creationTimestamp": created}
    return document | {"metadata": document["metadata"] | filled}


def intake_record(job: Job, dataset: str = "", count: int = 32, set_aside: int = 0) -> IntakeRecord:
    """What an intake came to."""
    assert isinstance(job.ask, IntakeAsk)
    return IntakeRecord(
        asked=job.id,
        source=job.ask.source,
        dataset=dataset or digest(f"dataset of {job.ask.source}"),
        count=count,
        set_aside=digest("set aside"),
        set_aside_count=set_aside,
    )


def train_record(job: Job) -> TrainRecord:
    """What a training came to; the adapter's digest follows from what was asked."""
    assert isinstance(job.ask, TrainAsk)
    return TrainRecord(
        asked=job.id,
        dataset=job.ask.dataset,
        base=job.ask.base,
        trigger=job.ask.trigger,
        recipe=job.ask.recipe,
        adapter=digest(f"adapter {job.id}"),
        rank=job.ask.recipe.rank,
        targets=["to_q"],
        final_loss=0.0412,
        losses=digest("losses"),
        samples=digest("samples"),
        seconds=61.0,
    )


def chunk_record(job: Job, drawn: int | None = None, reused: int = 0, failed: int = 0) -> ChunkRecord:
    """What a chunk came to; all its shots were drawn unless it is said otherwise."""
    assert isinstance(job.ask, GenerateAsk)
    size = job.ask.stop - job.ask.start
    failures = [
        {"index": job.ask.start + index, "reason": "OutOfMemory", "message": "No room for the picture."}
        for index in range(failed)
    ]
    return ChunkRecord.model_validate(
        {
            "id": job.id,
            "plan": job.ask.plan,
            "start": job.ask.start,
            "stop": job.ask.stop,
            "drawn": size - reused - failed if drawn is None else drawn,
            "reused": reused,
            "failures": failures,
        }
    )


def version_record(number: int = 1, dataset: str = "", project_uid: str = "uid-1", **fields: Any) -> VersionRecord:
    """Version n of a project, of a declaration that nobody wrote."""
    body = {
        "project_uid": project_uid,
        "number": number,
        "declaration": digest(f"declaration {number}"),
        "dataset": dataset or digest(f"dataset {number}"),
        "base": digest("base"),
        "trigger": "stblsx",
        "class_name": "sock",
        "recipe": {"steps": 300},
        "asked": digest(f"asked {number}"),
        "created": NOON,
    }
    return VersionRecord.model_validate(body | fields)


def listed(name: str = "tiny", **fields: Any) -> Listed:
    """A base as a catalogue lists it, that may be used for anything."""
    body = {
        "name": name,
        "number": 1,
        "digest": digest(name),
        "family": "sd15",
        "resolution": 64,
        "licence": "Apache-2.0",
        "commercial": True,
        "description": "",
        "source": f"/models/{name}",
        "size": 10_000_000,
    }
    return Listed(**body | fields)


def failed(reason: str = "Diverged", message: str = "The loss became not a number at step 40.") -> JobReport:
    """A job that failed for good."""
    return JobReport(state="failed", trouble=Trouble(reason=reason, message=message, hint="Lower learningRate."))


def _document(kind: str, name: str, namespace: str, spec: Document) -> Document:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "brandfarm.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
