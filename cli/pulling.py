"""Downloads a campaign's finished images under names that people can read. Digests are verified; nothing is half-written.

Begun again after a break, it fetches only what is missing. Knows no terminal.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cli import farm, sheet
from cli.farm import Farm
from jobs import blobs, identity, keys, publish
from jobs.errors import Corrupt, FarmError, KeyNotFound, NotApproved
from jobs.manifests import Campaign
from jobs.ports import ObjectStore
from jobs.records import CampaignRecord, ImageRecord
from jobs.shots import Plan, Shot

AT_A_TIME = 8
LONGEST_PART = 40
Progress = Callable[[int, int], None]


class Became(StrEnum):
    """What became of one image."""

    FETCHED = "fetched"
    THERE = "there"  # with the right bytes already
    MISSING = "missing"  # not drawn, or not yet
    CORRUPT = "corrupt"  # the store lost or changed its bytes


@dataclass(frozen=True)
class Pulled:
    """One image of a campaign: its file's name, what became of it, what it shows, and its bytes' digest where there are any."""

    file: str
    became: Became
    shot: Shot
    look: str
    digest: str = ""
    size: int = 0

    @property
    def facts(self) -> dict[str, Any]:
        """What `manifest.json` says of it."""
        recipe = self.shot.recipe
        return {
            "file": self.file,
            "index": self.shot.index,
            "look": self.look,
            "variables": self.shot.variables,
            "prompt": recipe.prompt,
            "negative": recipe.negative,
            "seed": recipe.seed,
            "width": recipe.width,
            "height": recipe.height,
            "sampler": recipe.sampling.name,
            "steps": recipe.sampling.steps,
            "guidance": recipe.sampling.guidance,
            "recipe": recipe.hash,
            "sha256": self.digest,
            "bytes": self.size,
        }


@dataclass(frozen=True)
class Pull:
    """A pulled campaign: its folder, all its images in order, and the page that shows them, if one is wanted."""

    to: Path
    images: tuple[Pulled, ...]
    contact: Path | None


def pull(asked: Farm, namespace: str | None, name: str, to: Path, progress: Progress | None = None) -> Pull:
    """Fetches all images that stand and writes manifest.json, manifest.csv and, if it is wanted, a contact sheet beside them.

    Raises NotFound, NotApproved where it waits for an approval, FarmError where it has not started or `to` cannot be written.
    """
    campaign = farm.campaign(asked, namespace, name)
    plan = _plan(asked.store, campaign)
    try:
        to.mkdir(parents=True, exist_ok=True)
        images = tuple(_told(_fetched(asked.store, plan, to), plan.count, progress))
        _write_lists(to, images)
    except OSError as refused:
        raise FarmError(
            f"{to} cannot be written: {refused.strerror or refused}.",
            hint="Free space there or name another folder with --to; what is fetched already stays.",
        ) from refused
    return Pull(to, images, _contact_sheet(campaign, plan, images, to))


def file_name(plan: Plan, shot: Shot) -> str:
    """`0001-stable-socks-beach-sunset-seed1.png`: the place in the order, the look, what varies as the prompt says it, the seed."""
    varied = sorted(shot.variables.items(), key=lambda item: plan.prompts[shot.prompt].find(f"{{{item[0]}}}"))
    parts = [f"{shot.index + 1:04d}", _look_part(plan, shot), *(_slug(value) for _, value in varied)]
    if len(plan.prompts) > 1:
        parts.append(f"prompt{shot.prompt + 1}")
    if len(plan.sizes) > 1:
        parts.append(f"{shot.recipe.width}x{shot.recipe.height}")
    return "-".join([*(part for part in parts if part), f"seed{shot.seed}"]) + ".png"


def _plan(store: ObjectStore, campaign: Campaign) -> Plan:
    body = publish.read(store, keys.campaign(campaign.metadata.uid or ""))
    if body is None:
        raise _not_started(campaign)
    record = CampaignRecord.model_validate(body)
    return Plan.model_validate(blobs.get_json(store, record.plan))


def _not_started(campaign: Campaign) -> FarmError:
    status, name = farm.status_of_campaign(campaign), campaign.metadata.name
    sentence = f"{name} has no images yet: {status.message or 'the farm has not looked at it'}"
    if status.reason == "AwaitingApproval":
        return NotApproved(sentence, hint=f"Approve the brand; then `brandfarm wait campaign/{name}`.")
    return FarmError(sentence, hint=f"`brandfarm wait campaign/{name}`, then pull again.")


def _fetched(store: ObjectStore, plan: Plan, to: Path) -> Iterator[Pulled]:
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        try:
            yield from pool.map(lambda shot: _fetch(store, plan, shot, to), plan.shots())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _fetch(store: ObjectStore, plan: Plan, shot: Shot, to: Path) -> Pulled:
    name, look = file_name(plan, shot), plan.looks[shot.look].label
    body = publish.read(store, keys.image(shot.recipe.hash))
    if body is None:
        return Pulled(name, Became.MISSING, shot, look)
    record = ImageRecord.model_validate(body)
    place = to / name
    if place.is_file() and identity.digest_of(place.read_bytes()) == record.digest:
        return Pulled(name, Became.THERE, shot, look, record.digest, record.size)
    try:
        data = blobs.get(store, record.digest)
    except (Corrupt, KeyNotFound):
        return Pulled(name, Became.CORRUPT, shot, look)
    write_whole(place, data)
    return Pulled(name, Became.FETCHED, shot, look, record.digest, record.size)


def write_whole(place: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    partial = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(data)
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)


def _told(pulled: Iterator[Pulled], count: int, progress: Progress | None) -> Iterator[Pulled]:
    for done, one in enumerate(pulled, start=1):
        if progress is not None:
            progress(done, count)
        yield one


def _contact_sheet(campaign: Campaign, plan: Plan, images: tuple[Pulled, ...], to: Path) -> Path | None:
    if not campaign.spec.output.contact_sheet:
        return None
    files = {one.shot.index: one.file for one in images if one.digest}
    return sheet.write_contact(campaign.metadata.name or "", plan, files, to)


def _write_lists(to: Path, pulled: tuple[Pulled, ...]) -> None:
    facts = [one.facts for one in pulled if one.digest]
    write_whole(to / "manifest.json", json.dumps(facts, indent=2, ensure_ascii=False).encode() + b"\n")
    write_whole(to / "manifest.csv", _csv(facts).encode())


def _csv(facts: list[dict[str, Any]]) -> str:
    names = sorted({name for one in facts for name in one["variables"]})
    columns = [column for column in (facts[0] if facts else {}) if column != "variables"]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*columns, *names])
    for one in facts:
        table.writerow([*(one[column] for column in columns), *(one["variables"].get(name, "") for name in names)])
    return text.getvalue()


def _look_part(plan: Plan, shot: Shot) -> str:
    """The brand's name, or the look's whole label where a brand is shown more than once."""
    look = plan.looks[shot.look]
    brand = look.project.rpartition("/")[2]
    is_alone = sum(other.project == look.project for other in plan.looks) == 1
    return _slug(brand if brand and is_alone else look.label)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST_PART].strip("-")
