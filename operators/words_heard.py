"""The Reviews that there are, by the project that they speak of: one look at a project must not read all of a farm's.

Listed once, and then told of every change; a relist compares. Judges no word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.ports import Change, Manifests
from jobs.errors import NotFound
from operators.places import Place

Document = dict[str, Any]
Key = tuple[str, str]  # namespace, name


class WordsHeard:
    """Reviews by project. Every question may raise what the manifests raise."""

    def __init__(self, documents: Manifests) -> None:
        self._documents = documents
        self._words: dict[Place, dict[Key, Document]] = {}
        self._places: dict[Key, tuple[Place, int]] = {}  # of whom a Review speaks, and its version
        self._is_listed = False

    async def on(self, project: Place) -> list[Document]:
        """The Reviews that name a project."""
        if not self._is_listed:
            listed = await self._documents.list("Review")
            for document in listed:
                self._hear(document)
            self._is_listed = True
        return list(self._words.get(project, {}).values())

    async def heed(self, change: Change) -> set[Place]:
        """A Review came, changed or went; the projects that it speaks of, or spoke of."""
        key = (change.namespace, change.name)
        known = self._places.get(key)
        if known is not None and known[1] == change.resource_version and not change.deleted:
            return set()
        try:  # whatever a change says of the past, also a deletion: what is there now counts
            found = await self._documents.get("Review", *key)
        except NotFound:
            return self._drop(key)
        return self._drop(key) | self._hear(found)

    async def compare(self, there: Iterable[Change]) -> set[Place]:
        """All Reviews that there are; the projects whose words are others than were heard."""
        changes = {(one.namespace, one.name): one for one in there}
        gone = [self._drop(key) for key in list(self._places) if key not in changes]
        heard = [await self.heed(change) for change in changes.values()]
        return set().union(*gone, *heard)

    def _hear(self, document: Document) -> set[Place]:
        metadata = document["metadata"]
        key = (metadata["namespace"], metadata["name"])
        if key in self._places and self._places[key][1] >= int(metadata["resourceVersion"]):
            return set()
        project = Place("BrandProject", metadata["namespace"], str(document.get("spec", {}).get("project", "")))
        self._drop(key)
        self._words.setdefault(project, {})[key] = document
        self._places[key] = (project, int(metadata["resourceVersion"]))
        return {project}

    def _drop(self, key: Key) -> set[Place]:
        known = self._places.pop(key, None)
        if known is None:
            return set()
        words = self._words[known[0]]
        del words[key]
        if not words:
            del self._words[known[0]]
        return {known[0]}
