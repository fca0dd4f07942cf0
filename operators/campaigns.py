"""What follows from what was seen of a Campaign. Pure: the same sight gives the same decision.

It waits until every look's brand serves, freezes what its looks resolved to, and then wants the chunks that have no record.
"""

from __future__ import annotations

from dataclasses import dataclass

from jobs import plan
from jobs.manifests import AdapterChoice, Look
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
    """A look, and what each of its adapters was trained on: (the adapter's label, the digest of its base)."""

    look: ResolvedLook
    bases: tuple[tuple[str, str], ...]


def reconcile(seen: ObservedCampaign) -> Decision:
    """The record that starts the campaign, the chunks that are wanted now, and its status."""
    ended = campaign_status.ended_before(seen)
    if ended is not None:
        return Decision((), (), ended)
    look_at = None if seen.is_late else seen.until
    if seen.record is not None:
        return Decision((), _wanted(seen), campaign_status.status(seen), look_at)
    if seen.is_late:
        return Decision((), (), campaign_status.never_began(seen))
    found = _start(seen)
    if isinstance(found, Obstacle):
        return Decision((), (), campaign_status.held_up(seen, found), look_at)
    started: tuple[Action, ...] = (found,)
    return Decision(started, (), campaign_status.about_to_start(seen), look_at)


def _start(seen: ObservedCampaign) -> StartCampaign | Obstacle:
    """The campaign resolved and ready to be frozen, or what is in its way."""
    resolved = [_resolve(seen, look) for look in seen.campaign.spec.looks]
    waiting = next((one for one in resolved if isinstance(one, Waiting)), None)
    if waiting is not None:
        return Obstacle(waiting.reason, waiting.message)
    return _frozen(seen, [one for one in resolved if isinstance(one, _Resolved)])


def _resolve(seen: ObservedCampaign, look: Look) -> _Resolved | Waiting:
    """A look with the versions that it gets now, its own brand first, or the first of them that must be waited for."""
    worn: list[ResolvedLook] = []
    bases: list[tuple[str, str]] = []
    for choice in look.choices:
        found = _worn(seen, choice)
        if isinstance(found, Waiting):
            return found
        one, base = found
        worn.append(one)
        bases.append((one.label, base))
    return _Resolved(plan.combined(worn), tuple(bases))


def _worn(seen: ObservedCampaign, choice: AdapterChoice) -> tuple[ResolvedLook, str] | Waiting:
    """One adapter of a look as a look of its own, and its base."""
    brand = seen.brands.get(choice.brand)
    if brand is None:
        namespace = seen.campaign.metadata.namespace
        return Waiting("BrandNotFound", f"There is no BrandProject {choice.brand} in {namespace}; apply its manifest.")
    version = gate.had(brand, choice.version)
    if isinstance(version, Waiting):
        return version
    assert version.trained is not None, "a version that may serve is trained"
    look = plan.look(brand.project, version.record, version.trained.adapter, choice.strength)
    return look, version.record.base


def _frozen(seen: ObservedCampaign, resolved: list[_Resolved]) -> StartCampaign | Obstacle:
    trained_on = [pair for one in resolved for pair in one.bases]
    bases = sorted({base for _, base in trained_on})
    if len(bases) > 1:
        labels = ", ".join(label for label, _ in trained_on)
        message = f"Its looks were trained on {len(bases)} different bases ({labels}): write a campaign for each base."
        return Obstacle("BasesDiffer", message, is_refusal=True)
    drawn = plan.campaign_plan(seen.campaign, bases[0], [one.look for one in resolved])
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

    Those stay wanted so that the dispatcher goes on telling that they failed, and so that a person's retry finds them. At the
    end of its time also what a worker has already, and what a person asked to be drawn again.
    """
    open_chunks = [chunk.job for chunk in seen.chunks if chunk.record is None]
    if campaign_status.is_stopped(seen):
        return tuple(job for job in open_chunks if seen.reports.failure(job) is not None)
    if seen.is_late:
        return tuple(job for job in open_chunks if campaign_status.goes_on(seen, job))
    return tuple(open_chunks)
