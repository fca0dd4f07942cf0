"""What follows from what was seen of a Campaign. Pure: the same sight gives the same decision.

It waits until every look's brand serves, freezes what its looks resolved to, and then wants the chunks that have no record.
"""

from __future__ import annotations

from dataclasses import dataclass

from jobs import plan
from jobs.manifests import Campaign, Look
from jobs.records import CampaignRecord
from jobs.shots import Look as ResolvedLook
from jobs.spec import Job
from operators import campaign_status, gate
from operators.campaign_status import Obstacle
from operators.decision import Action, Decision, StartCampaign
from operators.gate import Waiting
from operators.observed import ObservedCampaign


@dataclass(frozen=True)
class _Resolved:
    """A look and the digest of the base that its adapter was trained on."""

    look: ResolvedLook
    base: str


def reconcile(seen: ObservedCampaign) -> Decision:
    """The record that starts the campaign, the chunks that are wanted now, and its status."""
    if seen.record is not None:
        return Decision((), _wanted(seen), campaign_status.status(seen))
    found = _start(seen)
    if isinstance(found, Obstacle):
        return Decision((), (), campaign_status.held_up(seen, found))
    started: tuple[Action, ...] = (found,)
    return Decision(started, (), campaign_status.about_to_start(seen))


def _start(seen: ObservedCampaign) -> StartCampaign | Obstacle:
    """The campaign resolved and ready to be frozen, or what is in its way."""
    refusal = _unsupported(seen.campaign)
    if refusal is not None:
        return refusal
    resolved = [_resolve(seen, look) for look in seen.campaign.spec.looks]
    waiting = next((one for one in resolved if isinstance(one, Waiting)), None)
    if waiting is not None:
        return Obstacle(waiting.reason, waiting.message)
    return _frozen(seen, [one for one in resolved if isinstance(one, _Resolved)])


def _unsupported(campaign: Campaign) -> Obstacle | None:
    if campaign.spec.schedule is not None:
        return Obstacle(
            "ScheduleNotSupported",
            "This farm does not make campaigns on a schedule: leave spec.schedule out to have it made once, now.",
            is_refusal=True,
        )
    combined = [f"looks[{number}]" for number, look in enumerate(campaign.spec.looks) if look.with_]
    if combined:
        return Obstacle(
            "SeveralAdaptersNotSupported",
            f"This farm draws one brand on each image: leave `with` out of {', '.join(combined)}.",
            is_refusal=True,
        )
    return None


def _resolve(seen: ObservedCampaign, look: Look) -> _Resolved | Waiting:
    brand = seen.brands.get(look.brand)
    if brand is None:
        namespace = seen.campaign.metadata.namespace
        return Waiting("BrandNotFound", f"There is no BrandProject {look.brand} in {namespace}; apply its manifest.")
    version = gate.had(brand, look.version)
    if isinstance(version, Waiting):
        return version
    assert version.trained is not None, "a version that may serve is trained"
    resolved = plan.look(brand.project, version.record, version.trained.adapter, look.strength)
    return _Resolved(resolved, version.record.base)


def _frozen(seen: ObservedCampaign, resolved: list[_Resolved]) -> StartCampaign | Obstacle:
    bases = {one.base for one in resolved}
    if len(bases) > 1:
        labels = ", ".join(one.look.label for one in resolved)
        message = f"Its looks were trained on {len(bases)} different bases ({labels}): write a campaign for each base."
        return Obstacle("BasesDiffer", message, is_refusal=True)
    drawn = plan.campaign_plan(seen.campaign, resolved[0].base, [one.look for one in resolved])
    record = CampaignRecord(
        uid=seen.campaign.metadata.uid or "",
        plan=plan.plan_digest(drawn),
        count=drawn.count,
        chunk=seen.chunk,
        looks=[{"label": one.look.label, "project": one.look.project, "version": one.look.version} for one in resolved],
        created=seen.now,
    )
    return StartCampaign(drawn, record)


def _wanted(seen: ObservedCampaign) -> tuple[Job, ...]:
    """The chunks that have no record; once too many shots have failed, only those that failed for good.

    Those stay wanted so that the dispatcher goes on telling that they failed, and so that a person's retry finds them.
    """
    open_chunks = [chunk.job for chunk in seen.chunks if chunk.record is None]
    if campaign_status.is_stopped(seen):
        return tuple(job for job in open_chunks if seen.reports.failure(job) is not None)
    return tuple(open_chunks)
