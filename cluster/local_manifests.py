"""Manifests in one SQLite file: the same JSON, generations and optimistic concurrency as a Kubernetes API server.

Several processes share the file (a person's terminal writes while the controller watches). Whether a spec is sound is asked of `admit`.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster import admission, documents
from cluster.documents import Document
from cluster.ports import Change
from jobs.errors import Conflict, NotFound

BUSY_SECONDS = 30.0
"""How long a writer waits for another process's transaction; ours take milliseconds."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
  kind TEXT, namespace TEXT, name TEXT, uid TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (kind, namespace, name));
CREATE TABLE IF NOT EXISTS changes (
  resource_version INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT, namespace TEXT, name TEXT, uid TEXT NOT NULL, deleted INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS changes_by_uid ON changes (uid);
"""

_OWNED_BY = """
SELECT kind, namespace, name, uid FROM documents
WHERE EXISTS (SELECT 1 FROM json_each(documents.json, '$.metadata.ownerReferences') AS owner
              WHERE json_extract(owner.value, '$.uid') = ?)
"""


Documents = list[Document]
Names = list[tuple[str, str]]
Changes = list[Change]


class LocalManifests:
    """The Manifests port over one SQLite file. A change is durable before its call returns."""

    def __init__(
        self,
        path: Path,
        *,
        poll_seconds: float = 0.2,
        now: Callable[[], float] = time.time,
        new_uid: Callable[[], str] = lambda: str(uuid.uuid4()),
        admit: Callable[[Document | None, Document], None] = admission.admit,
    ) -> None:
        self._path, self._poll_seconds, self._now, self._new_uid = path, poll_seconds, now, new_uid
        self._admit = admit
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    async def list(self, kind: str, namespace: str | None = None) -> Documents:
        """All documents of a kind, sorted by namespace and name."""
        return await asyncio.to_thread(self._list, kind, namespace)

    async def names(self, kind: str, namespace: str | None = None) -> Names:
        """The namespace and name of every document of a kind, sorted."""
        return await asyncio.to_thread(self._names, kind, namespace)

    async def get(self, kind: str, namespace: str, name: str) -> Document:
        """One document. Raises NotFound."""
        return await asyncio.to_thread(self._get, kind, namespace, name)

    async def create(self, document: Document) -> Document:
        """A new document, as it is kept. Raises Conflict where the name is taken, ManifestInvalid."""
        return await asyncio.to_thread(self._create, document)

    async def replace(self, document: Document) -> Document:
        """A new spec, labels and annotations. Raises NotFound, ManifestInvalid, and Conflict for a lost race."""
        return await asyncio.to_thread(self._replace, document)

    async def set_status(self, kind: str, namespace: str, name: str, uid: str, status: Document) -> Document:
        """Write a status; an equal one changes nothing. Raises NotFound where that uid is gone."""
        return await asyncio.to_thread(self._set_status, kind, namespace, name, uid, status)

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        """Drop a document and whatever names it as its owner. Raises NotFound."""
        await asyncio.to_thread(self._delete, kind, namespace, name)

    async def changes(self, after: int) -> Changes:
        """The newest change of each document above `after`, in order; deletions stay in the list."""
        return await asyncio.to_thread(self._changes, after)

    async def watch(self, after: int) -> AsyncGenerator[Change, None]:
        """What `changes` tells, for ever."""
        while True:
            for change in await self.changes(after):
                yield change
                after = change.resource_version
            await asyncio.sleep(self._poll_seconds)

    def close(self) -> None:
        """Let go of the file; it opens again when it is needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _list(self, kind: str, namespace: str | None) -> Documents:
        with self._reading() as rows:
            found = rows.execute(
                "SELECT json FROM documents WHERE kind = ? AND (? IS NULL OR namespace = ?) ORDER BY namespace, name",
                (kind, namespace, namespace),
            )
            return [json.loads(text) for (text,) in found]

    def _names(self, kind: str, namespace: str | None) -> Names:
        query = "SELECT namespace, name FROM documents WHERE kind = ? AND (? IS NULL OR namespace = ?) ORDER BY 1, 2"
        with self._reading() as rows:
            return rows.execute(query, (kind, namespace, namespace)).fetchall()

    def _get(self, kind: str, namespace: str, name: str) -> Document:
        with self._reading() as rows:
            return _found(rows, kind, namespace, name)

    def _create(self, document: Document) -> Document:
        self._admit(None, document)
        kind, namespace = document["kind"], documents.namespace_of(document)
        with self._writing() as rows:
            name = _free_name(rows, kind, namespace, document["metadata"])
            uid = self._new_uid()
            version = _record_change(rows, kind, namespace, name, uid)
            kept = documents.created(document, name=name, uid=uid, resource_version=version, now=self._now())
            rows.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?)", (kind, namespace, name, uid, _text(kept)))
            return kept

    def _replace(self, document: Document) -> Document:
        kind, namespace, name = document["kind"], documents.namespace_of(document), document["metadata"]["name"]
        with self._writing() as rows:
            old = _found(rows, kind, namespace, name)
            documents.refuse_lost_race(old, document)
            self._admit(old, document)
            new = documents.replaced(old, document, _next_version(rows))
            return old if new is None else _keep(rows, new)

    def _set_status(self, kind: str, namespace: str, name: str, uid: str, status: Document) -> Document:
        with self._writing() as rows:
            old = _found(rows, kind, namespace, name)
            if old["metadata"]["uid"] != uid:
                raise NotFound(
                    f"{kind} {namespace}/{name} was deleted and made anew while its status was worked out.",
                    hint="Nothing to do: the new one gets its own status.",
                )
            if old.get("status") == status:
                return old
            return _keep(rows, documents.with_status(old, status, _next_version(rows)))

    def _delete(self, kind: str, namespace: str, name: str) -> None:
        with self._writing() as rows:
            uid = _found(rows, kind, namespace, name)["metadata"]["uid"]
            _drop(rows, kind, namespace, name, uid)
            for owned in rows.execute(_OWNED_BY, (uid,)).fetchall():
                _drop(rows, *owned)

    def _changes(self, after: int) -> Changes:
        with self._reading() as rows:
            found = rows.execute(
                "SELECT resource_version, kind, namespace, name, uid, deleted FROM changes "
                "WHERE resource_version > ? ORDER BY resource_version",
                (after,),
            )
            return [
                Change(kind=kind, namespace=space, name=name, uid=uid, deleted=bool(gone), resource_version=version)
                for version, kind, space, name, uid, gone in found
            ]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._connection is None:
                self._connection = _open(self._path)
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone among all processes from its first read on, or nothing at all."""
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Calls come from many threads, one at a time (the lock); transactions are opened by hand.
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    _log_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(_SCHEMA)
    return connection


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Write-ahead logging. A new file that others open now is locked, and for this statement SQLite does not wait by itself."""
    given_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as busy:
            if busy.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > given_up:
                raise
        time.sleep(0.02)


def _text(document: Document) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _found(rows: sqlite3.Connection, kind: str, namespace: str, name: str) -> dict[str, Any]:
    query = "SELECT json FROM documents WHERE kind = ? AND namespace = ? AND name = ?"
    row = rows.execute(query, (kind, namespace, name)).fetchone()
    if row is None:
        raise NotFound(
            f"There is no {kind} {name} in namespace {namespace}.",
            hint="Look at the names with `brandfarm status`, or apply its manifest first.",
        )
    return dict(json.loads(row[0]))


def _free_name(rows: sqlite3.Connection, kind: str, namespace: str, metadata: dict[str, Any]) -> str:
    query = "SELECT 1 FROM documents WHERE kind = ? AND namespace = ? AND name = ?"
    if name := metadata.get("name"):
        if rows.execute(query, (kind, namespace, name)).fetchone():
            raise Conflict(
                f"{kind} {name} exists in namespace {namespace} already.",
                hint="Choose another name, or change the one that exists with `brandfarm apply`.",
            )
        return str(name)
    while True:
        name = metadata["generateName"] + "".join(random.choices(documents.NAME_ALPHABET, k=5))
        if not rows.execute(query, (kind, namespace, name)).fetchone():
            return str(name)


def _next_version(rows: sqlite3.Connection) -> int:
    found = rows.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return 1 + (found[0] if found else 0)


def _record_change(
    rows: sqlite3.Connection, kind: str, namespace: str, name: str, uid: str, *, deleted: bool = False
) -> int:
    """A change's number. Only the newest change of a document is kept, so the table stays as long as the farm is wide."""
    rows.execute("DELETE FROM changes WHERE uid = ?", (uid,))
    added = rows.execute(
        "INSERT INTO changes (kind, namespace, name, uid, deleted) VALUES (?, ?, ?, ?, ?)",
        (kind, namespace, name, uid, deleted),
    )
    assert added.lastrowid is not None
    return added.lastrowid


def _keep(rows: sqlite3.Connection, document: Document) -> Document:
    kind, metadata = document["kind"], document["metadata"]
    place = (kind, metadata["namespace"], metadata["name"])
    version = _record_change(rows, *place, metadata["uid"])
    assert metadata["resourceVersion"] == str(version), "a version was given out twice"
    rows.execute(
        "UPDATE documents SET json = ? WHERE kind = ? AND namespace = ? AND name = ?", (_text(document), *place)
    )
    return document


def _drop(rows: sqlite3.Connection, kind: str, namespace: str, name: str, uid: str) -> None:
    rows.execute("DELETE FROM documents WHERE kind = ? AND namespace = ? AND name = ?", (kind, namespace, name))
    _record_change(rows, kind, namespace, name, uid, deleted=True)
