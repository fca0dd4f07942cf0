"""One brand or one campaign, whole: where it stands, its versions or counts, its conditions, people's words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from cli import farm as farms
from cli import scheduling
from cli.output import Answer
from cli.views import marks, status
from cli.views.columns import Row, aligned, cell
from jobs import manifests
from jobs.manifests import BrandProject, BrandProjectStatus, Campaign, Condition, Review, Schedule, VersionStatus

CONDITION_HEADING = ("CONDITION", "HOLDS", "REASON", "SINCE", "MESSAGE")


def project_answer(project: BrandProject, words: Sequence[Review]) -> Answer:
    """A brand in all its forms; rows are the brand, its versions and its conditions, told apart by their kind."""
    said = farms.status_of(project)
    versions = (_version_row(project, one, said) for one in said.versions)
    conditions = (_condition_row(project, one) for one in said.conditions)
    return Answer(
        people=lambda width, _wide: project_view(project, words, width),
        rows=(status.HEADING, status.project_row(project), *versions, *conditions),
        data=manifests.dump(project),
        names=[f"brandproject/{project.metadata.name}"],
    )


def campaign_answer(campaign: Campaign) -> Answer:
    """A campaign in all its forms; rows are the campaign and its conditions, told apart by their kind."""
    said = farms.status_of_campaign(campaign)
    return Answer(
        people=lambda width, _wide: campaign_view(campaign, width),
        rows=(
            status.HEADING,
            status.campaign_row(campaign),
            *(_condition_row(campaign, one) for one in said.conditions),
        ),
        data=manifests.dump(campaign),
        names=[f"campaign/{campaign.metadata.name}"],
    )


def project_view(project: BrandProject, words: Sequence[Review], width: int) -> RenderableType:
    """A brand for people: its line, dataset, versions, the newest words, conditions."""
    said = farms.status_of(project)
    parts: list[RenderableType] = [status.brands_table([project], width), Text(), _dataset(project, said)]
    if said.versions:
        parts += [Text(), _versions(said, width)]
    if words:
        parts += [Text(), _words(words[-8:], width)]
    if said.conditions:
        parts += [Text(), _conditions(said.conditions, width)]
    return Group(*parts)


def campaign_view(campaign: Campaign, width: int) -> RenderableType:
    """A campaign for people: its line, what it draws, counts, conditions."""
    said = farms.status_of_campaign(campaign)
    shots = said.shots
    counted = Text(f"{shots.made} drawn, {shots.reused} found in the store, {shots.failed} failed")
    if campaign.spec.schedule is not None:
        counted = _nights(campaign, campaign.spec.schedule)
    if said.images_per_second:
        counted.append(f"; {said.images_per_second:.2f} images a second")
    parts: list[RenderableType] = [
        status.campaigns_table([campaign], width),
        Text(),
        Text(campaign.spec.product),
        counted,
    ]
    if said.conditions:
        parts += [Text(), _conditions(said.conditions, width)]
    return Group(*parts)


def _nights(campaign: Campaign, schedule: Schedule) -> Text:
    """When its nights come, which are at work, and what became of the last."""
    said = farms.status_of_campaign(campaign)
    text = Text(f"Made anew {scheduling.sentence(schedule)}; last night ")
    if said.last_night is None:
        text.append("none yet")
    else:
        text.append(f"{said.last_night.name}: ").append_text(marks.phase(said.last_night.phase))
        text.append(f" {said.last_night.progress or ''}".rstrip())
    return text.append(f"\nAt work: {', '.join(said.active)}" if said.active else "")


def _dataset(project: BrandProject, said: BrandProjectStatus) -> Text:
    spec = project.spec
    head = f"{spec.concept} {spec.class_name!r} as {spec.trigger!r} on base {spec.base.name}; serve: {spec.serve}; "
    gate = f"gate: {marks.plural(spec.gate.approvals, 'approval')}"
    if said.dataset is None:
        return Text(head + gate + f"\nPictures from {marks.short(spec.dataset.source)}, not taken in yet")
    aside = f", {marks.plural(said.dataset.set_aside, 'file')} set aside" if said.dataset.set_aside else ""
    return Text(f"{head}{gate}\n{marks.plural(said.dataset.images, 'picture')}{aside} (dataset {said.dataset.id[:12]})")


def _versions(said: BrandProjectStatus, width: int) -> RenderableType:
    rows = [
        Row([cell(one.version, "bold"), marks.phase(one.state), Text(str(one.approvals)), cell(_serves(one, said))])
        for one in said.versions
    ]
    return aligned(("VERSION", "STATE", "APPROVALS", "SERVES"), rows, width)


def _serves(version: VersionStatus, said: BrandProjectStatus) -> str:
    return "serves" if version.version == said.serving else ""


def _words(words: Sequence[Review], width: int) -> RenderableType:
    rows = [
        Row(
            [cell(one.spec.version, "bold"), marks.phase(one.spec.verdict.value), cell(one.spec.by)],
            Text(" ".join([*(f"[{tag}]" for tag in one.spec.tags), one.spec.note]).strip()),
        )
        for one in words
    ]
    return aligned(("REVIEWED", "VERDICT", "BY"), rows, width, "SAID")


def _conditions(conditions: Sequence[Condition], width: int) -> RenderableType:
    rows = [
        Row([cell(one.type), cell(one.status.value), cell(one.reason)], Text(one.message, "dim")) for one in conditions
    ]
    return aligned(CONDITION_HEADING[:3], rows, width, CONDITION_HEADING[4])


def _version_row(project: BrandProject, version: VersionStatus, said: BrandProjectStatus) -> tuple[str, ...]:
    approvals = f"{version.approvals}/{project.spec.gate.approvals}"
    name = f"{project.metadata.name}/{version.version}"
    return "Version", project.metadata.namespace, name, version.state, _serves(version, said), "", approvals, "", ""


def _condition_row(of: BrandProject | Campaign, one: Condition) -> tuple[str, ...]:
    return "Condition", of.metadata.namespace, one.type, one.status.value, "", "", "", one.reason, one.message
