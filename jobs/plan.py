"""From what a manifest says and what is known to the jobs that make it. Pure: reads no store, asks nobody.

Everything here is a function of content, so planning twice gives the same jobs with the same ids.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from jobs.identity import Digest, canonical, content_id, digest_of
from jobs.manifests import names, presets
from jobs.manifests.brand_project import BrandProject
from jobs.manifests.campaign import Campaign
from jobs.manifests.placement import Placement as WrittenPlacement
from jobs.ports import SourceFile
from jobs.records import CampaignRecord, RerunRecord, VersionRecord
from jobs.shots import AdapterUse, Look, Plan
from jobs.spec import GenerateAsk, Hints, IntakeAsk, Job, Placement, Samples, TrainAsk, TrainRecipe

LAPTOP_CHUNK = 16
"""Shots leased together where progress should be seen; a fleet takes up to 512."""

BASE_LABEL = "base"


def listing_digest(files: Iterable[SourceFile]) -> Digest:
    """The identity of a source's files: their names, sizes and tags, in any order."""
    listed = sorted([file.name, file.size, file.tag] for file in files)
    return Digest(content_id("listing/1", listed))


def intake_job(project: BrandProject, listing: str) -> Job:
    """The job that turns the project's source, with that listing, into a dataset."""
    dataset = project.spec.dataset
    ask = IntakeAsk(
        source=dataset.source,
        listing=listing,
        trigger=project.spec.trigger,
        glossary=dataset.glossary,
        min_images=dataset.min_images,
    )
    return Job(ask=ask, placement=_project_placement(project), hints=Hints(project=project.title))


def train_ask(dataset: str, base: str, trigger: str, recipe: TrainRecipe) -> TrainAsk:
    """What is asked of a training: digests of the dataset and the base, the trigger, the whole recipe."""
    return TrainAsk(dataset=dataset, base=base, trigger=trigger, recipe=recipe)


def declaration(project: BrandProject, dataset: str) -> Digest:
    """The identity of what a person declared, as written: presets and the base's name stand for themselves.

    So a changed preset, or a better base under the same name, is no new declaration.
    """
    spec = project.spec
    written = spec.recipe.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"sample_every"})
    declared = {
        "dataset": dataset,
        "base": spec.base.name,
        "concept": spec.concept.value,
        "trigger": spec.trigger,
        "recipe": written,
    }
    return Digest(content_id("declaration/1", declared))


def new_version(
    project: BrandProject, number: int, dataset: str, base: str, now: float, licence: str = ""
) -> VersionRecord:
    """Version n of a project as it is declared now, every default resolved; `now` in seconds since 1970, `licence` the base's."""
    spec = project.spec
    recipe = presets.resolve_recipe(spec).train
    return VersionRecord(
        project_uid=project.metadata.uid or "",
        number=number,
        declaration=declaration(project, dataset),
        dataset=dataset,
        base=base,
        trigger=spec.trigger,
        class_name=spec.class_name,
        recipe=recipe,
        asked=Job(ask=train_ask(dataset, base, spec.trigger, recipe)).id,
        created=now,
        licence=licence,
    )


def train_job(project: BrandProject, version: VersionRecord) -> Job:
    """The job that trains a version: asked from its record alone, with today's judge for the samples on the way."""
    judge = project.spec.judge
    samples = Samples(
        every=presets.resolve_recipe(project.spec).sample_every,
        prompts=judge.prompts,
        seeds=judge.seeds[:1],  # the sheet draws all seeds; on the way one shows how it goes
        sampling=judge.sampler.sampling,
    )
    return Job(
        ask=train_ask(version.dataset, version.base, version.trigger, version.recipe),
        placement=_project_placement(project, version.base, version.created),
        hints=Hints(project=project.title, version=names.version_name(version.number), samples=samples),
    )


def sheet_plan(project: BrandProject, version: VersionRecord, adapter: str) -> Plan:
    """The contact sheet of a version: the judge's prompts x seeds, by the base alone and by the version.

    Both looks have the same words and the same finish, so that only the adapter differs.
    """
    judge, side = project.spec.judge, version.recipe.resolution
    alone = Look(
        label=BASE_LABEL, trigger=version.trigger, class_name=project.spec.class_name, finish=project.spec.finish
    )
    return Plan(
        base=version.base,
        looks=(alone, look(project, version, adapter, strength=1.0)),
        prompts=judge.prompts,
        sizes=((side, side),),
        seeds=judge.seeds,
        sampling=judge.sampler.sampling,
        keep_raw=True,
    )


def look(project: BrandProject, version: VersionRecord, adapter: str, strength: float) -> Look:
    """One brand at a strength, with its words and its finish."""
    name = names.version_name(version.number)
    strongly = "" if strength == 1.0 else f" at {strength:g}"
    return Look(
        label=f"{project.metadata.name} {name}{strongly}",
        project=project.title,
        version=name,
        adapters=(AdapterUse(digest=adapter, strength=strength),),
        trigger=version.trigger,
        class_name=project.spec.class_name,
        finish=project.spec.finish,
    )


def combined(worn: Sequence[Look]) -> Look:
    """Several looks on the same image: the adapters of all side by side; words, finish and lineage are those of the first."""
    first = worn[0]
    return first.model_copy(
        update={
            "label": " + ".join(look.label for look in worn),
            "adapters": tuple(use for look in worn for use in look.adapters),
        }
    )


def campaign_plan(campaign: Campaign, base: str, looks: Sequence[Look]) -> Plan:
    """A campaign's lists with its looks resolved, in the order in which its shots are frozen."""
    shots = campaign.spec.shots
    return Plan(
        base=base,
        looks=tuple(looks),
        prompts=shots.prompts,
        variables=shots.variables,
        negative=shots.negative,
        sizes=shots.pixel_sizes,
        seeds=shots.seeds.numbers,
        sampling=campaign.spec.sampler.sampling,
    )


def plan_json(plan: Plan) -> bytes:
    """A plan as it is kept: canonical JSON."""
    return canonical(plan.model_dump(mode="json"))


def plan_digest(plan: Plan) -> Digest:
    """The digest under which a plan is kept."""
    return digest_of(plan_json(plan))


def sheet_jobs(project: BrandProject, version: VersionRecord, plan: Plan, chunk: int = LAPTOP_CHUNK) -> tuple[Job, ...]:
    """The chunks of a version's sheet."""
    hints = Hints(project=project.title, version=names.version_name(version.number))
    placement = _project_placement(project, plan.base, version.created)
    return _chunks(plan_digest(plan), plan.count, chunk, placement, hints)


def campaign_jobs(campaign: Campaign, record: CampaignRecord, base: str) -> tuple[Job, ...]:
    """The chunks of a campaign that has started: [0, n), [n, 2n), ... of the frozen order."""
    placement = _placement(campaign.spec.placement, campaign.queue, base, record.created)
    return _chunks(record.plan, record.count, record.chunk, placement, Hints(project=campaign.title))


def chains(jobs: Sequence[Job], reruns: Iterable[RerunRecord]) -> list[tuple[Job, ...]]:
    """Each chunk of a campaign as it was asked for first, and again by every rerun that names it, in order.

    Images are created once: a rerun draws only those of its shots that do not stand.
    """
    found = [[job] for job in jobs]
    starts = [_range(job)[0] for job in jobs]
    for rerun in reruns:
        for start, stop in rerun.ranges:
            for number in range(bisect_left(starts, start), bisect_left(starts, stop)):
                found[number].append(_again(jobs[number], rerun.number))
    return [tuple(chain) for chain in found]


def _again(job: Job, rerun: int) -> Job:
    assert isinstance(job.ask, GenerateAsk)
    ask = GenerateAsk(plan=job.ask.plan, start=job.ask.start, stop=job.ask.stop, rerun=rerun)
    return Job(ask=ask, placement=job.placement, hints=job.hints)


def _range(job: Job) -> tuple[int, int]:
    assert isinstance(job.ask, GenerateAsk)
    return job.ask.start, job.ask.stop


def next_time_of_day(time_of_day: str, after: float) -> float:
    """The first moment after `after` (seconds since 1970) at which a UTC clock shows `hh:mm`."""
    start = datetime.fromtimestamp(after, UTC)
    moment = datetime.combine(start.date(), time.fromisoformat(time_of_day), UTC)
    if moment <= start:
        moment += timedelta(days=1)
    return moment.timestamp()


def _chunks(plan: str, count: int, chunk: int, placement: Placement, hints: Hints) -> tuple[Job, ...]:
    return tuple(
        Job(ask=GenerateAsk(plan=plan, start=start, stop=min(start + chunk, count)), placement=placement, hints=hints)
        for start in range(0, count, chunk)
    )


def _project_placement(project: BrandProject, base: str = "", since: float | None = None) -> Placement:
    return _placement(project.spec.placement, project.queue, base, since)


def _placement(written: WrittenPlacement, queue: str, base: str, since: float | None) -> Placement:
    """Where the work goes; a time of day is the next one after `since`, and no deadline if that is unknown."""
    due = written.deadline
    return Placement(
        queue=queue,
        priority=written.priority,
        gpu_classes=written.gpu_classes,
        deadline=_deadline(due, since),
        base=base,
    )


def _deadline(due: str | None, since: float | None) -> float | None:
    if due is None:
        return None
    if "T" in due:
        return names.seconds_of_moment(due)
    return None if since is None else next_time_of_day(due, since)
