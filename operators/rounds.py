"""One round over one manifest: observe, reconcile, act, one status. Remembers only what it can ask for again.

Knows no loop and no queue; whoever calls it may stop between any two of its effects and lose nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import structlog

from cluster import logs
from cluster.ports import Manifests, OwnerReport
from jobs.errors import FarmError, NotFound
from jobs.lifecycle import JobState
from jobs.ports import Clock
from jobs.spec import Job
from operators.act import Actor
from operators.decision import Decision
from operators.figures import ControllerFigures
from operators.observe import Observer
from operators.observed import Observed, ObservedCampaign
from operators.places import Place as Place
from operators.places import place_of as place_of
from operators.reconcile import reconcile
from operators.unreadable import AnyStatus, kept_status, with_trouble

Document = dict[str, Any]

log = structlog.get_logger("controller")


class Rounds:
    """Rounds over places, one at a time for each place."""

    def __init__(self, documents: Manifests, observer: Observer, actor: Actor, clock: Clock) -> None:
        self._documents, self._observer, self._actor, self._clock = documents, observer, actor, clock
        self.figures = ControllerFigures(clock.monotonic)
        self._uids: dict[Place, set[str]] = defaultdict(set)  # everything that was ever seen at a place
        self._reports: dict[str, OwnerReport] = {}  # the dispatcher's last answer, by uid
        self._at_work: dict[Place, str] = {}  # the uids that wanted something when they were last handed over
        self._at_rest: set[str] = set()  # the uids that this epoch's dispatcher knows to want nothing
        self._waits_for: dict[Place, frozenset[Place]] = {}  # campaigns that have not started, and their projects
        self._written: dict[Place, int] = {}  # the resourceVersion of our own last status
        self._look_at: dict[Place, float] = {}  # when time alone changes what follows, in seconds since 1970

    def met(self, place: Place, uid: str) -> None:
        """A manifest was seen at a place; what it left behind is cleared away once it is gone."""
        self._uids[place].add(uid)

    def places(self) -> list[Place]:
        """Every place where something was seen and not yet cleared away."""
        return list(self._uids)

    def at_work(self) -> list[Place]:
        """The places whose jobs the dispatcher has."""
        return list(self._at_work)

    def waiting_for(self, project: Place) -> list[Place]:
        """The campaigns that have not started and show this project."""
        return [campaign for campaign, projects in self._waits_for.items() if project in projects]

    def seconds_until_next(self, place: Place) -> float | None:
        """In how many seconds a place must be looked at again though nothing changes; None where only a change counts."""
        at = self._look_at.get(place)
        return None if at is None else max(0.0, at - self._clock.now())

    def wrote(self, place: Place, resource_version: int) -> bool:
        """Whether a change is nothing but our own last status."""
        return self._written.get(place) == resource_version

    def forget_dispatcher(self) -> None:
        """Another dispatcher is in charge: it has to be told everything again."""
        self._at_rest.clear()

    async def look(self, place: Place) -> bool:
        """One round. Whether to look again at once, because something was written down that changes what is seen.

        Raises FarmError where something was in the way: the status says so, and nothing was cancelled.
        """
        document = await self._document(place)
        await self._clear_away(place, document)
        if document is None:
            return False
        seen, decision = await self._decide(place, document)
        status, moved_on = await self._hand_over(place, document, seen, decision)
        edited = await self._say(place, document, status)
        return decision.changes_facts or moved_on or edited

    async def _document(self, place: Place) -> Document | None:
        try:
            document = await self._documents.get(place.kind, place.namespace, place.name)
        except NotFound:
            return None
        self.met(place, document["metadata"]["uid"])
        return document

    async def _clear_away(self, place: Place, document: Document | None) -> None:
        """Withdraw what was deleted at a place, and forget it."""
        alive = set() if document is None else {document["metadata"]["uid"]}
        for uid in sorted(self._uids[place] - alive):
            await self._actor.retire(place.kind, place.namespace, place.name, uid)
            self._uids[place].discard(uid)
            self._reports.pop(uid, None)
            self._at_rest.discard(uid)
        if document is None:
            for memory in (self._uids, self._at_work, self._waits_for, self._written, self._look_at):
                memory.pop(place, None)
            self.figures.forgotten(place)

    async def _decide(self, place: Place, document: Document) -> tuple[Observed, Decision]:
        """Observe, reconcile, and write down what must be written."""
        try:
            seen = await self._observer.see(document, self._reports.get(document["metadata"]["uid"]))
            self._note_waiting(place, seen)
            decision = reconcile(seen)
            self._note_next(place, decision)
            for action in decision.actions:
                await self._actor.perform(action)
        except FarmError as error:
            await self._say(place, document, kept_status(document, error, self._clock.now()))
            raise
        return seen, decision

    async def _hand_over(
        self, place: Place, document: Document, seen: Observed, decision: Decision
    ) -> tuple[AnyStatus, bool]:
        """Tell the dispatcher what is wanted; the status by its answer, and whether the answer changes the decision."""
        uid = document["metadata"]["uid"]
        if not decision.wanted and uid in self._at_rest:
            return decision.status, False
        try:
            report = await self._actor.hand_over(uid, document["metadata"]["generation"], decision.wanted)
        except FarmError as error:
            await self._say(place, document, self._while_unreachable(document, decision, error))
            raise
        before = self._reports.get(uid)
        self._remember(place, uid, decision, report)
        after = reconcile(replace(seen, report=report))
        moved_on = (after.actions, after.wanted) != (decision.actions, decision.wanted)
        return after.status, moved_on or bool(_done(report) - _done(before))

    def _remember(self, place: Place, uid: str, decision: Decision, report: OwnerReport) -> None:
        before = self._reports.get(uid)
        for job in decision.wanted:
            _tell_moved(place, job, before, report)
        self._reports[uid] = report
        if decision.wanted:
            self._at_work[place] = uid
            self._at_rest.discard(uid)
        else:
            self._at_work.pop(place, None)
            self._at_rest.add(uid)

    def _while_unreachable(self, document: Document, decision: Decision, error: FarmError) -> AnyStatus:
        """What the store says is still true; what only the dispatcher knows is said as it was last."""
        is_known = not decision.wanted or document["metadata"]["uid"] in self._reports
        if is_known:
            return with_trouble(decision.status, document, error, self._clock.now())
        return kept_status(document, error, self._clock.now())

    async def _say(self, place: Place, document: Document, status: AnyStatus) -> bool:
        """Write the status; whether somebody edited the manifest since it was read."""
        written = await self._actor.say(document, status)
        if written is None:
            self.figures.overtaken()
            return True
        self._written[place] = int(written["metadata"]["resourceVersion"])
        self.figures.said(place, status.phase or "Unknown")
        was_edited = bool(written["metadata"]["generation"] != document["metadata"]["generation"])
        if was_edited:
            self.figures.overtaken()
        return was_edited

    def _note_next(self, place: Place, decision: Decision) -> None:
        self._look_at.pop(place, None)
        if decision.look_at is not None:
            self._look_at[place] = decision.look_at

    def _note_waiting(self, place: Place, seen: Observed) -> None:
        if not isinstance(seen, ObservedCampaign):
            return
        self._waits_for.pop(place, None)
        if seen.record is None:
            choices = [choice for look in seen.campaign.spec.looks for choice in look.choices]
            projects = (Place("BrandProject", place.namespace, choice.brand) for choice in choices)
            self._waits_for[place] = frozenset(projects)


def _tell_moved(place: Place, job: Job, before: OwnerReport | None, report: OwnerReport) -> None:
    """One line when a job is first wanted, and one when the dispatcher says how it ended."""
    was = before.states.get(job.id) if before else None
    now = report.states.get(job.id)
    if now is None or (was is not None and was.state == now.state):
        return
    manifest = {"manifest": place.kind, "namespace": place.namespace, "name": place.name}
    fields = {**manifest, **logs.fields_of(job), "attempt": now.attempt, "epoch": report.epoch}
    if was is None and now.state in (JobState.WAITING, JobState.LEASED):
        log.info("wanted", state=now.state, **fields)
    elif now.state in (JobState.DONE, JobState.FAILED):
        log.info(f"seen {now.state}", **fields)


def _done(report: OwnerReport | None) -> set[str]:
    return {job for job, one in report.states.items() if one.state == JobState.DONE} if report else set()
