"""Records as the controller reads them: parsed, and remembered, since a record that was written never changes."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from jobs import blobs, keys, publish
from jobs.errors import StoreError
from jobs.ports import ObjectStore
from jobs.records import RerunRecord, VersionRecord
from jobs.shots import Plan

R = TypeVar("R", bound=BaseModel)

REMEMBERED = 100_000
"""Records kept in memory (about a kilobyte each) before all are forgotten and read again."""


class RecordsSeen:
    """Reads records from a store. Raises StoreUnavailable, and StoreError for what is no such record."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._seen: dict[str, BaseModel] = {}

    def get(self, key: str, model: type[R]) -> R | None:
        """The record under a key, None while there is none."""
        seen = self._seen.get(key)
        if isinstance(seen, model):
            return seen
        body = publish.read(self._store, key)
        return None if body is None else self._remember(key, _parsed(key, body, model))

    def versions(self, project_uid: str) -> list[VersionRecord]:
        """The versions of a project, in order; they are numbered from 1 without gaps."""
        found: list[VersionRecord] = []
        while record := self.get(keys.version(project_uid, len(found) + 1), VersionRecord):
            found.append(record)
        return found

    def reruns(self, campaign_uid: str) -> list[RerunRecord]:
        """The reruns of a campaign, in order; they are numbered from 1 without gaps."""
        found: list[RerunRecord] = []
        while record := self.get(keys.rerun(campaign_uid, len(found) + 1), RerunRecord):
            found.append(record)
        return found

    def plan(self, digest: str) -> Plan:
        """The plan under a digest. Raises KeyNotFound, Corrupt."""
        seen = self._seen.get(digest)
        if isinstance(seen, Plan):
            return seen
        return self._remember(digest, _parsed(keys.blob(digest), blobs.get_json(self._store, digest), Plan))

    def _remember(self, key: str, record: R) -> R:
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[key] = record
        return record


def _parsed(key: str, body: Any, model: type[R]) -> R:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise StoreError(
            f"What stands under {key} is not a {model.__name__} that this release can read: {place}: {first['msg']}.",
            hint="Was it written by a newer release? Upgrade this one.",
        ) from error
