"""A server's truth as a plain history, for tests of what only hears of it: lists of one version, events after one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]


class Truth:
    """What a server would hold and remember; every change has the next version."""

    def __init__(self) -> None:
        self.version = 100
        self.alive: dict[str, Document] = {}
        self.history: list[Document] = []
        self.uids = 0  # how many were given out, whatever became of them

    def make(self, name: str) -> Document:
        """A new document, or a namesake of one that was deleted."""
        self.uids += 1
        return self._put("ADDED", name, f"uid-{self.uids}")

    def change(self, name: str) -> Document:
        """Another version of a document."""
        return self._put("MODIFIED", name, self.alive[name]["metadata"]["uid"])

    def delete(self, name: str) -> str:
        """The uid of what is gone."""
        gone = self.alive.pop(name)
        self.version += 1
        metadata = {**gone["metadata"], "resourceVersion": str(self.version)}
        self.history.append({"type": "DELETED", "object": {**gone, "metadata": metadata}})
        return str(metadata["uid"])

    def pages(self, size: int = 2) -> Iterator[Document]:
        """What is there now, in pages."""
        items, version = [self.alive[name] for name in sorted(self.alive)], str(self.version)
        for start in range(0, max(len(items), 1), size):
            more = "more" if start + size < len(items) else ""
            yield {"items": items[start : start + size], "metadata": {"resourceVersion": version, "continue": more}}

    def events(self, after: str) -> list[Document]:
        """What happened after a version."""
        return [event for event in self.history if int(event["object"]["metadata"]["resourceVersion"]) > int(after)]

    def copy(self, uids: int = 0) -> Truth:
        """A backup, or a server that came back from one: a uid that was ever given out is given to nobody else."""
        copied = Truth()
        copied.version, copied.uids = self.version, max(uids, self.uids)
        copied.alive, copied.history = dict(self.alive), list(self.history)
        return copied

    def bookmark(self) -> Document:
        """The newest version, without anything having happened."""
        return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(self.version)}}}

    def _put(self, event: str, name: str, uid: str) -> Document:
        self.version += 1
        metadata = {"namespace": "studio-a", "name": name, "uid": uid, "resourceVersion": str(self.version)}
        self.alive[name] = {"apiVersion": "brandfarm.dev/v1alpha1", "kind": "BrandProject", "metadata": metadata}
        self.history.append({"type": event, "object": self.alive[name]})
        return self.alive[name]


def gone(code: int = 410) -> Document:
    """The event by which a server says that it has forgotten a version."""
    status = {"kind": "Status", "code": code, "reason": "Expired", "message": "too old resource version: 1 (2)"}
    return {"type": "ERROR", "object": status}
