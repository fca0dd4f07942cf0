"""What an API server does to a manifest's JSON: identity, generation, differences. Pure; knows no place to keep it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from jobs.errors import Conflict

Document = dict[str, Any]

NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""The letters that Kubernetes appends to a generateName: no vowels, so no words by accident."""

_KEPT = ("labels", "annotations", "ownerReferences", "generateName")
_SHOWN_DIFFERENCES = 6


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as Kubernetes writes a time: UTC, whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_timestamp(seconds: float) -> str:
    """The same to the microsecond, as Kubernetes wants it of leases and events."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def created(document: Document, *, name: str, uid: str, resource_version: int, now: float) -> Document:
    """A new document as it is kept: its own apiVersion, kind and spec, with metadata filled in and no status yet."""
    given = document.get("metadata", {})
    metadata = {key: given[key] for key in _KEPT if given.get(key)} | {
        "name": name,
        "namespace": namespace_of(document),
        "uid": uid,
        "generation": 1,
        "resourceVersion": str(resource_version),
        "creationTimestamp": timestamp(now),
    }
    head = {key: document[key] for key in ("apiVersion", "kind") if key in document}
    return head | {"metadata": metadata, "spec": document.get("spec", {})}


def replaced(old: Document, new: Document, resource_version: int) -> Document | None:
    """The old document with the new one's spec, labels and annotations; None where that changes nothing.

    The generation grows only when the spec changed. The status stays.
    """
    kept = {key: value for key, value in old["metadata"].items() if key not in ("labels", "annotations")}
    given = new.get("metadata", {})
    metadata = kept | {key: given[key] for key in ("labels", "annotations") if given.get(key)}
    spec_changed = old.get("spec") != new.get("spec")
    if not spec_changed and metadata == old["metadata"]:
        return None
    metadata["resourceVersion"] = str(resource_version)
    metadata["generation"] = old["metadata"]["generation"] + spec_changed
    return old | {"apiVersion": new.get("apiVersion", old.get("apiVersion")), "metadata": metadata, "spec": new["spec"]}


def with_status(document: Document, status: Document, resource_version: int) -> Document:
    """The document with another status, and nothing else changed."""
    metadata = document["metadata"] | {"resourceVersion": str(resource_version)}
    return document | {"metadata": metadata, "status": status}


def namespace_of(document: Document) -> str:
    """The namespace a document names, or `default`."""
    return str(document.get("metadata", {}).get("namespace") or "default")


def refuse_lost_race(old: Document, new: Document) -> None:
    """Raises Conflict where `new` names a resourceVersion that is not the newest: somebody else changed it meanwhile."""
    given, newest = new.get("metadata", {}).get("resourceVersion"), old["metadata"]["resourceVersion"]
    if given and str(given) != newest:
        raise Conflict(
            f"Somebody else changed {old['kind']} {old['metadata']['name']} after it was read "
            f"(resourceVersion {given}, now {newest}). {_told(old, new)}",
            hint="Read it again, make the change on the newest version, and write that.",
        )


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted path, our value, their value) wherever two JSON values differ; a missing field is None."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            yield from differences(ours.get(key), theirs.get(key), f"{path}.{key}" if path else key)
    elif ours != theirs:
        yield path, ours, theirs


def _told(stands: Document, given: Document) -> str:
    found = [
        f"{path} is {now!r} there and {wanted!r} here"
        for path, now, wanted in differences(stands.get("spec"), given.get("spec"), "spec")
    ]
    if not found:
        return "Its spec is what was to be written; only its status or labels moved on."
    more = f"; and {len(found) - _SHOWN_DIFFERENCES} more" if len(found) > _SHOWN_DIFFERENCES else ""
    return "The two differ: " + "; ".join(found[:_SHOWN_DIFFERENCES]) + more + "."
