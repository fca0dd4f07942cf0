"""What attempts told on their way: numbered JSON-lines objects in the store, read in order, again and again.

Knows neither what an attempt does nor how a line looks to people.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cli import farm, records
from cli.farm import Farm
from jobs import keys
from jobs.errors import KeyNotFound, NotFound
from jobs.manifests import BrandProject, Campaign
from jobs.ports import ObjectStore

JOB_DIGITS = 64


@dataclass(frozen=True)
class Line:
    """One line of an attempt: what was asked, which attempt, and the JSON that it wrote."""

    asked: str
    attempt: int
    body: dict[str, Any]


@dataclass
class Teller:
    """Reads what is new under some asked things, of all attempts or of one; remembers what it has read."""

    store: ObjectStore
    asked: Sequence[str]
    attempt: int | None = None
    _read: dict[str, str] = field(default_factory=dict)

    def fresh(self) -> list[Line]:
        """The lines since the last call, oldest first within each asked thing. Raises StoreUnavailable."""
        return [line for one in self.asked for line in self._fresh(one)]

    def _fresh(self, asked: str) -> Iterator[Line]:
        for key in self.store.list(keys.logs(asked, self.attempt)):
            if key <= self._read.get(asked, ""):
                continue
            try:
                data = self.store.get(key)
            except KeyNotFound:
                continue  # swept since it was listed
            self._read[asked] = key
            yield from _lines(asked, key, data)


def of_project(project: BrandProject, version: str | None = None) -> list[str]:
    """What a brand's newest version, or the one named, asked for. Raises NotFound."""
    versions = farm.status_of(project).versions
    chosen = farm.version(project, version) if version else (versions[-1] if versions else None)
    if chosen is None or chosen.asked is None:
        raise NotFound(
            f"{project.metadata.name} has not been trained yet, so nothing was told.",
            hint=f"See `brandfarm status {project.metadata.name}`.",
        )
    return [chosen.asked]


def of_campaign(asked: Farm, campaign: Campaign) -> list[str]:
    """What a campaign's chunks asked for, in order. Raises NotFound before its start."""
    record = records.started(asked.store, campaign)
    if record is None:
        raise NotFound(
            f"{campaign.metadata.name} has not started, so nothing was told.",
            hint=f"See `brandfarm status campaign/{campaign.metadata.name}`.",
        )
    return [job.id for chain in records.chunks(asked.store, campaign, record) for job in chain]


def is_job(text: str) -> bool:
    """Whether a text is a job's id rather than a name."""
    return len(text) == JOB_DIGITS and all(letter in "0123456789abcdef" for letter in text)


def _lines(asked: str, key: str, data: bytes) -> Iterator[Line]:
    attempt = int(key.removeprefix(keys.logs(asked)).partition("/")[0])
    for text in data.decode("utf-8", errors="replace").splitlines():
        yield Line(asked, attempt, _body(text))


def _body(text: str) -> dict[str, Any]:
    """A line's JSON; what is not an object is shown as it stands."""
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"event": text}
