"""What became of a night: trained, drawn, failed, spent, and what needs a person. Reads records and statuses; changes nothing.

Costs come from records alone, so they are the same however often they are asked for and whoever was in charge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cli import farm as farms
from cli import history, records
from cli.farm import Farm
from cli.history import Version
from cli.moments import seconds_of
from cluster.attempts import CANCELLED
from jobs import blobs, keys, plan
from jobs.errors import Corrupt, KeyNotFound, StoreError
from jobs.manifests import BrandProject, Campaign
from jobs.records import CampaignRecord, ChunkRecord, FailureRecord
from jobs.shots import Plan
from jobs.spec import GenerateAsk, Job

FailureKeys = dict[str, list[str]]

USUAL_CHUNKS = (plan.LAPTOP_CHUNK, 64, 128, 256, 512)
"""How many shots a sheet's chunk may have: the farm's setting is not in any record."""


@dataclass(frozen=True)
class Trained:
    """A version that was trained: when, in how many seconds of a worker, with which loss."""

    brand: str
    version: str
    at: float
    seconds: float
    loss: float


@dataclass(frozen=True)
class Drawn:
    """A campaign of which images were made, or that ended: its phase, and counts of the time that is told of."""

    name: str
    phase: str
    ended: bool
    images: int
    reused: int
    failed: int
    seconds: float


@dataclass(frozen=True)
class Failed:
    """Something that went wrong, how often, whether it was made good since, and the next step."""

    what: str
    reason: str
    count: int
    message: str
    step: str
    made_good: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is still a failure: not made good since, and no person's own wish."""
        return not self.made_good and self.reason != CANCELLED


@dataclass
class Spent:
    """Seconds of workers that one brand took; `lost` went into attempts that left no record of their own."""

    training: float = 0.0
    drawing: float = 0.0
    lost: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.training + self.drawing + self.lost


@dataclass(frozen=True)
class Need:
    """What waits for a person, and the next step."""

    what: str
    step: str


@dataclass
class Night:
    """All of it, between two moments in seconds since 1970. `unknown`: attempts that failed, of which nobody noted the time."""

    since: float
    until: float
    trained: list[Trained] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    spent: dict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))
    needs: list[Need] = field(default_factory=list)
    unknown: int = 0

    @property
    def images(self) -> int:
        """Images that campaigns drew."""
        return sum(one.images for one in self.drawn)

    @property
    def seconds(self) -> float:
        """Seconds of workers in all."""
        return sum(one.seconds for one in self.spent.values())

    @property
    def lost(self) -> float:
        """Seconds of workers that left no record of their own."""
        return sum(one.lost for one in self.spent.values())

    @property
    def images_per_hour(self) -> float | None:
        """Campaigns' images by hour of a worker's drawing; None where nothing was drawn."""
        seconds = sum(one.seconds for one in self.drawn)
        return 3600 * self.images / seconds if seconds and self.images else None


def gather(
    farm: Farm, projects: Sequence[BrandProject], campaigns: Sequence[Campaign], since: float, until: float
) -> Night:
    """What became of these manifests between two moments. A store that does not answer is told among what needs a person."""
    night = Night(since, until)
    try:
        listed = _failure_keys(farm)
        for project in projects:
            _tell_brand(farm, project, listed, night)
        for campaign in campaigns:
            _tell_campaign(farm, campaign, listed, night)
    except StoreError as away:
        night.needs.append(Need(f"The store: {away.message} Figures below are not whole.", away.hint))
    night.needs += [Need(trouble, "") for trouble in farm.troubles()]
    everything: list[BrandProject | Campaign] = [*projects, *campaigns]
    night.needs += [need for manifest in everything for need in _needs(manifest)]
    return night


# Brands


def _tell_brand(farm: Farm, project: BrandProject, listed: FailureKeys, night: Night) -> None:
    name = project.metadata.name or ""
    found = history.versions(farm, project)
    for one in found:
        at = seconds_of(one.status.trained) if one.status and one.status.trained else one.record.created
        if one.trained is not None and at >= night.since:
            night.trained.append(Trained(name, one.name, at, one.trained.seconds, one.trained.final_loss))
            night.spent[name].training += one.trained.seconds
    failures = _failures_of(farm, listed, (one.record.asked for one in found))
    _tell_failures(failures, _Owners(name, found), night)
    night.spent[name].drawing += sum(
        chunk.seconds for one in found for chunk in _sheet(farm, one) if chunk.ended >= night.since
    )


class _Owners:
    """Whose attempt a failure of a brand was."""

    def __init__(self, brand: str, versions: Iterable[Version]) -> None:
        self.brand = brand
        self.by_asked = {one.record.asked: one for one in versions}

    def told(self, reason: str, failures: Sequence[FailureRecord]) -> Failed:
        last = failures[-1]
        one = self.by_asked[last.asked]
        step = last.hint or f"`brandfarm why {self.brand} {one.name}`"
        if one.state == "training":
            step = "It is tried again."
        return Failed(f"{self.brand} {one.name}", reason, len(failures), last.message, step, one.trained is not None)


def _tell_failures(found: Sequence[FailureRecord], owners: _Owners, night: Night) -> None:
    recent = [one for one in found if one.at >= night.since]
    for (_, reason), failures in _grouped(recent).items():
        night.failed.append(owners.told(reason, failures))
    _charge_lost(recent, owners.brand, night)


def _grouped(failures: Iterable[FailureRecord]) -> dict[tuple[str, str], list[FailureRecord]]:
    groups: dict[tuple[str, str], list[FailureRecord]] = defaultdict(list)
    for one in failures:
        groups[one.asked, one.reason].append(one)
    return groups


def _charge_lost(failures: Iterable[FailureRecord], brand: str, night: Night) -> None:
    for one in failures:
        if one.seconds is None:
            night.unknown += 1
        else:
            night.spent[brand].lost += one.seconds


def _sheet(farm: Farm, one: Version) -> Iterator[ChunkRecord]:
    """What the chunks of a version's sheet came to, as far as they can be found."""
    if one.status is None or one.status.sheet is None:
        return
    try:
        drawn = Plan.model_validate(blobs.get_json(farm.store, one.status.sheet))
    except (KeyNotFound, Corrupt):
        return
    for size in USUAL_CHUNKS:
        jobs = [
            Job(ask=GenerateAsk(plan=one.status.sheet, start=start, stop=min(start + size, drawn.count)))
            for start in range(0, drawn.count, size)
        ]
        if farm.store.exists(jobs[0].record_key):
            yield from (
                chunk for chunk in records.many(farm.store, (job.record_key for job in jobs), ChunkRecord) if chunk
            )
            return


# Campaigns


def _tell_campaign(farm: Farm, campaign: Campaign, listed: FailureKeys, night: Night) -> None:
    status, name = farms.status_of_campaign(campaign), campaign.metadata.name or ""
    ended_at = _ended_at(campaign)
    if ended_at is not None and ended_at < night.since:
        return  # all of it was before
    record = records.started(farm.store, campaign)
    if record is None:
        return
    found = records.newest(farm.store, records.chunks(farm.store, campaign, record))
    recent = [one for _, told in found for one in told if (one.ended or record.created) >= night.since]
    newest = [told[-1] for chain, told in found if len(told) == len(chain)]
    failures = [failure for one in newest for failure in one.failures]
    if recent or ended_at is not None:
        images, seconds = sum(one.drawn for one in recent), sum(one.seconds for one in recent)
        reused = sum(told[0].reused for _, told in found if told and told[0] in recent)
        night.drawn.append(
            Drawn(name, status.phase or "", ended_at is not None, images, reused, len(failures), seconds)
        )
    for one in recent:
        for brand, part in _parts(record, one):
            night.spent[brand].drawing += part
    for reason in dict.fromkeys(failure.reason for failure in failures):
        same = [failure for failure in failures if failure.reason == reason]
        step = f"`brandfarm campaign rerun {name} --failed`"
        night.failed.append(Failed(f"campaign/{name}", reason, len(same), same[0].message, step))
    asked: dict[str, bool] = {job.id: len(told) == len(chain) for chain, told in found for job in chain}
    _tell_lost_chunks(_failures_of(farm, listed, asked), name, record, asked, night)


def _tell_lost_chunks(
    failed: Sequence[FailureRecord], name: str, record: CampaignRecord, ended: Mapping[str, bool], night: Night
) -> None:
    """Attempts at chunks that left no record; `ended` says of each chunk whether a later one did."""
    lost = [one for one in failed if one.at >= night.since]
    by_reason: dict[str, list[FailureRecord]] = defaultdict(list)
    for one in lost:
        by_reason[one.reason].append(one)
    for reason, failures in by_reason.items():
        made_good = all(ended[one.asked] for one in failures)
        step = failures[-1].hint or f"`brandfarm why campaign/{name}`"
        night.failed.append(Failed(f"campaign/{name}", reason, len(failures), failures[-1].message, step, made_good))
    brands = [look["project"].rpartition("/")[2] or look["label"] for look in record.looks] or [name]
    for one in lost:
        for brand in brands:
            _charge_lost([one.model_copy(update={"seconds": one.seconds and one.seconds / len(brands)})], brand, night)


def _failure_keys(farm: Farm) -> FailureKeys:
    """Every failure by what was asked: one listing, where one for each chunk would be dear."""
    found: FailureKeys = defaultdict(list)
    for key in farm.store.list(keys.FAILURES):
        found[key.removeprefix(keys.FAILURES).partition("/")[0]].append(key)
    return found


def _failures_of(farm: Farm, listed: FailureKeys, asked: Iterable[str]) -> list[FailureRecord]:
    wanted = [key for one in asked if one in listed for key in listed[one]]
    return [one for one in records.many(farm.store, wanted, FailureRecord) if one is not None]


def _parts(record: CampaignRecord, chunk: ChunkRecord) -> Iterator[tuple[str, float]]:
    """A chunk's seconds by brand: looks come one after the other in the frozen order, each with as many shots."""
    each = record.count // max(1, len(record.looks))
    for number, look in enumerate(record.looks):
        shots = min(chunk.stop, (number + 1) * each) - max(chunk.start, number * each)
        if shots > 0:
            brand = look["project"].rpartition("/")[2] or look["label"]
            yield brand, chunk.seconds * shots / (chunk.stop - chunk.start)


def _ended_at(campaign: Campaign) -> float | None:
    """When a campaign ended, None while it goes on."""
    status = farms.status_of_campaign(campaign)
    complete, progressing = status.condition("Complete"), status.condition("Progressing")
    if status.phase == "Complete" and complete is not None:
        return seconds_of(complete.last_transition_time)
    if status.phase in ("Failed", "Cancelled", "Ended") and progressing is not None:
        return seconds_of(progressing.last_transition_time)
    return None


# What needs a person


def _needs(manifest: BrandProject | Campaign) -> Iterator[Need]:
    name = manifest.metadata.name or ""
    if isinstance(manifest, BrandProject):
        status = farms.status_of(manifest)
        degraded = status.condition("Degraded")
        if status.reason == "AwaitingApproval":
            yield Need(
                f"{name} {status.newest} waits for a word", f"`brandfarm sheet {name}`, then `brandfarm approve {name}`"
            )
        elif degraded is not None and degraded.status == "True" and degraded.reason != CANCELLED:
            yield Need(f"{name}: {degraded.reason}. {degraded.message}", f"`brandfarm why {name}`")
        return
    said = farms.status_of_campaign(manifest)
    degraded = said.condition("Degraded")
    if manifest.spec.schedule is not None and degraded is not None and degraded.status == "True":
        yield Need(f"campaign/{name}: {degraded.reason}. {degraded.message}", f"`brandfarm why campaign/{name}`")
    elif said.phase in ("Waiting", "Refused", "Failed"):
        yield Need(f"campaign/{name} is {said.phase}: {said.message}", f"`brandfarm why campaign/{name}`")
    elif said.shots.failed:
        yield Need(
            f"campaign/{name}: {said.shots.failed} of {said.shots.planned} shots failed",
            f"`brandfarm campaign rerun {name} --failed`",
        )
