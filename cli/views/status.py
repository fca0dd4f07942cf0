"""The farm at a glance: workers and queue, every brand, every campaign, each with why it stands so. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from cli import farm as farms
from cli.night import Night
from cli.output import Answer
from cli.views import marks, night
from cli.views.columns import Row, aligned, cell
from cluster.ports import Summary
from jobs import manifests
from jobs.manifests import BrandProject, Campaign, CampaignStatus

HEADING = ("KIND", "NAMESPACE", "NAME", "PHASE", "SERVES", "NEWEST", "PROGRESS", "REASON", "MESSAGE")


@dataclass(frozen=True)
class Glance:
    """What is shown: where the farm is, its workers and queue (None: it does not work now), brands and campaigns."""

    place: str
    summary: Summary | None
    projects: Sequence[BrandProject]
    campaigns: Sequence[Campaign]
    away: str = ""  # why there is no summary, one sentence
    night: Night | None = None
    price: float | None = None  # of an hour of a worker

    @property
    def unit(self) -> str:
        """What an hour of a worker is called."""
        classes = {worker.gpu_class for worker in self.summary.workers} if self.summary else set()
        return "worker-hours" if classes == {"cpu"} else "GPU-hours"

    @property
    def has_one_namespace(self) -> bool:
        return len({one.metadata.namespace for one in (*self.projects, *self.campaigns)}) < 2


def answer(glance: Glance) -> Answer:
    """A glance in all its forms."""
    return Answer(
        people=lambda width, wide: render(glance, width, wide),
        rows=(HEADING, *(project_row(one) for one in glance.projects), *map(campaign_row, glance.campaigns)),
        data={
            "farm": {"place": glance.place, **(glance.summary.model_dump(mode="json") if glance.summary else {})},
            "projects": [manifests.dump(one) for one in glance.projects],
            "campaigns": [manifests.dump(one) for one in glance.campaigns],
            **({"night": night.data(glance.night, glance.price)} if glance.night else {}),
        },
        names=[
            *(f"brandproject/{one.metadata.name}" for one in glance.projects),
            *(f"campaign/{one.metadata.name}" for one in glance.campaigns),
        ],
    )


def render(glance: Glance, width: int, wide: bool = False) -> RenderableType:
    """A glance for people; `wide` adds namespaces and what is usual."""
    parts: list[RenderableType] = [_headline(glance)]
    if glance.night is not None:
        parts += night.parts(glance.night, width, glance.unit, glance.price)
    with_namespace = wide or not glance.has_one_namespace
    if glance.projects:
        parts += [Text(), brands_table(glance.projects, width, with_namespace)]
    if glance.campaigns:
        parts += [Text(), campaigns_table(glance.campaigns, width, with_namespace)]
    if not glance.projects and not glance.campaigns:
        parts.append(Text("Nothing is wanted yet: `brandfarm apply -f FILE`.", "dim"))
    return Group(*parts)


def brands_table(projects: Sequence[BrandProject], width: int, with_namespace: bool = False) -> RenderableType:
    """Every brand: phase, what serves, the newest version, progress, and why."""
    titles = ["BRAND", "PHASE", "SERVES", "NEWEST", "PROGRESS"]
    rows = [_brand(one, with_namespace) for one in projects]
    return aligned([*_first(with_namespace), *titles], rows, width, "WHY")


def campaigns_table(campaigns: Sequence[Campaign], width: int, with_namespace: bool = False) -> RenderableType:
    """Every campaign: phase, progress over its shots, when it should be complete, and why."""
    titles = ["CAMPAIGN", "PHASE", "PROGRESS", "COMPLETE BY"]
    rows = [_campaign(one, with_namespace) for one in campaigns]
    return aligned([*_first(with_namespace), *titles], rows, width, "WHY")


def campaigns_answer(campaigns: Sequence[Campaign]) -> Answer:
    """A list of campaigns in all its forms."""
    heading = ("NAMESPACE", "NAME", "PHASE", "SHOTS", "DRAWN", "REUSED", "FAILED", "FORECAST", "REASON", "MESSAGE")
    return Answer(
        people=lambda width, wide: campaigns_table(campaigns, width, wide),
        rows=(heading, *map(_campaign_counts, campaigns)),
        data=[manifests.dump(one) for one in campaigns],
        names=[f"campaign/{one.metadata.name}" for one in campaigns],
    )


def campaign_progress(campaign: Campaign) -> str:
    """How many of its shots stand: what its status says, else none of what its lists come to; a schedule has none itself."""
    status = farms.status_of_campaign(campaign)
    if campaign.spec.schedule is not None:
        return status.progress or "-"
    return status.progress or f"{_standing(status)}/{status.shots.planned or campaign.spec.shot_count}"


def _standing(status: CampaignStatus) -> int:
    return status.shots.made + status.shots.reused


def _headline(glance: Glance) -> Text:
    if glance.summary is None:
        return Text(f"{glance.away or 'No farm runs.'} What follows was last known.", "yellow")
    summary = glance.summary
    alive = [worker for worker in summary.workers if worker.alive]
    lost = len(summary.workers) - len(alive)
    classes = ", ".join(sorted({worker.gpu_class for worker in alive}))
    text = Text(marks.plural(len(alive), "worker") + (f" ({classes})" if classes else ""), "bold" if alive else "red")
    text.append(f", {lost} silent" if lost else "", "red")
    text.append(f"; {marks.plural(summary.leased, 'job')} at work, {summary.waiting} waiting")
    return text.append(f", {summary.failed} failed" if summary.failed else "", "red")


def _first(with_namespace: bool) -> list[str]:
    return ["NAMESPACE"] if with_namespace else []


def _brand(project: BrandProject, with_namespace: bool) -> Row:
    status = farms.status_of(project)
    return Row(
        [
            *([cell(project.metadata.namespace)] if with_namespace else []),
            cell(project.metadata.name, "bold"),
            marks.phase(status.phase or "Pending"),
            cell(status.serving),
            cell(status.newest),
            marks.bar(status.progress),
        ],
        why(status.phase, status.reason, status.message),
    )


def _campaign(campaign: Campaign, with_namespace: bool) -> Row:
    status = farms.status_of_campaign(campaign)
    return Row(
        [
            *([cell(campaign.metadata.namespace)] if with_namespace else []),
            cell(campaign.metadata.name, "bold"),
            marks.phase(status.phase or "Pending"),
            marks.bar(campaign_progress(campaign)),
            cell(status.forecast),
        ],
        why(status.phase, status.reason, status.message),
    )


def why(phase: str | None, reason: str | None, message: str | None) -> Text:
    """The reason in one word, unless the phase says it already, and the sentence."""
    said = f"{reason}: " if reason and reason != phase else ""
    return Text(said + (message or "The farm has not looked at it yet."), "dim")


def project_row(project: BrandProject) -> tuple[str, ...]:
    """A brand under HEADING."""
    status = farms.status_of(project)
    cells = (status.phase, status.serving, status.newest, status.progress, status.reason, status.message)
    return ("BrandProject", project.metadata.namespace, project.metadata.name or "", *(one or "" for one in cells))


def campaign_row(campaign: Campaign) -> tuple[str, ...]:
    """A campaign under HEADING."""
    status = farms.status_of_campaign(campaign)
    cells = (status.phase, "", "", campaign_progress(campaign), status.reason, status.message)
    return ("Campaign", campaign.metadata.namespace, campaign.metadata.name or "", *(one or "" for one in cells))


def _campaign_counts(campaign: Campaign) -> tuple[str, ...]:
    status = farms.status_of_campaign(campaign)
    shots = status.shots
    counted = (shots.planned or campaign.spec.shot_count, shots.made, shots.reused, shots.failed)
    words = (status.forecast, status.reason, status.message)
    name = (campaign.metadata.namespace, campaign.metadata.name or "", status.phase or "")
    return (*name, *map(str, counted), *(one or "" for one in words))
