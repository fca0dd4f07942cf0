"""One round over one manifest: observe, reconcile, act, one status. Remembers only what it can ask for again.

Knows no loop and no queue; whoever calls it may stop between any two of its effects and lose nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import structlog

from cluster import logs
from cluster.ports import Manifests, OwnerReport, Recorder
from jobs.errors import FarmError, NotFound, StaleTerm
from jobs.lifecycle import JobState
from jobs.ports import Clock
from jobs.spec import Job
from operators import tidings
from operators.act import Actor, says_already
from operators.brake import Brake
from operators.complaints import Complaint
from operators.decision import Decision
from operators.figures import ControllerFigures
from operators.holders import Holders
from operators.observe import Observer
from operators.observed import Observed, ObservedCampaign, ObservedProject, ObservedSchedule
from operators.places import Place as Place
from operators.places import place_of as place_of
from operators.reconcile import reconcile
from operators.recorders import LogRecorder
from operators.resting import NEVER, Rest, Resting
from operators.unreadable import AnyStatus, kept_status, last_status, with_trouble

Document = dict[str, Any]

SATISFIED = ("Ready", "Complete")
"""The phases in which a manifest has all that it declares."""

CONFIRM = "Restore them; or start the controller with BRANDFARM_HOLD_SECONDS=0, which confirms that they shall go."

log = structlog.get_logger("controller")


class Rounds:
    """Rounds over places, one at a time for each place."""

    def __init__(
        self,
        documents: Manifests,
        observer: Observer,
        actor: Actor,
        clock: Clock,
        recorder: Recorder | None = None,
        status_seconds: float = 0.0,
        hold_seconds: float = 0.0,
    ) -> None:
        self._documents, self.observer, self._actor, self._clock = documents, observer, actor, clock
        self._recorder, self._status_seconds = recorder or LogRecorder(), status_seconds
        self.figures = ControllerFigures(clock.monotonic)
        self._brake, self._holding = Brake(clock.monotonic, hold_seconds), Complaint(clock.monotonic)
        self._uids: dict[Place, set[str]] = defaultdict(set)  # everything that was ever seen at a place
        self._reports: dict[str, OwnerReport] = {}  # the dispatcher's last answer, by uid
        self._at_work: dict[Place, str] = {}  # the uids that wanted something when they were last handed over
        self._holders = Holders()
        self.resting = Resting()
        # campaigns that have not started, and their projects; schedules, and their nights
        self._waits_for: dict[Place, frozenset[Place]] = {}
        self._written: dict[Place, int] = {}  # the resourceVersion of our own last status, or of one that said the same
        self._said: dict[Place, float] = {}  # when a status was written last, in steady seconds
        self._postponed: dict[Place, float] = {}  # when a status may be written that came too soon, in steady seconds
        self._look_at: dict[Place, float] = {}  # when time alone changes what follows, in seconds since 1970

    def met(self, place: Place, uid: str) -> None:
        """A manifest was seen at a place; what it left behind is cleared away once it is gone."""
        self._uids[place].add(uid)
        self._brake.met(place.kind, uid)

    def missed(self, place: Place, uid: str) -> None:
        """A manifest is gone from a place: told for all at once, before the first is cleared away, it tells a brake how many."""
        self.met(place, uid)
        self._brake.missed(place.kind, uid)

    def missed_all(self, place: Place) -> None:
        """Nothing is at a place any more."""
        for uid in self._uids.get(place, set()):
            self._brake.missed(place.kind, uid)

    def places(self) -> list[Place]:
        """Every place where something was seen and not yet cleared away."""
        return list(self._uids)

    def at_work(self) -> list[Place]:
        """The places whose jobs the dispatcher has."""
        return list(self._at_work)

    def waiting_for(self, project: Place) -> list[Place]:
        """The campaigns that have not started and show this project, or the schedule whose night this campaign is."""
        return [campaign for campaign, awaited in self._waits_for.items() if project in awaited]

    def seconds_until_next(self, place: Place) -> float | None:
        """In how many seconds a place must be looked at again though nothing changes; None where only a change counts."""
        look_at, postponed = self._look_at.get(place), self._postponed.get(place)
        waits = [] if look_at is None else [look_at - self._clock.now()]
        waits += [] if postponed is None else [postponed - self._clock.monotonic()]
        return max(0.0, min(waits)) if waits else None

    def wrote(self, place: Place, resource_version: int) -> bool:
        """Whether a change is nothing but our own last status, or was looked at already."""
        return self._written.get(place) == resource_version

    def forget_dispatcher(self, known: Iterable[str] | None = None) -> None:
        """Another dispatcher is in charge: it has to be told everything again. `known`: whom it may hold jobs for already."""
        self._holders.met(known)

    def presume_rest(self, document: Document) -> None:
        """Take a manifest's own word that it rests, until it is its turn to be looked at."""
        place, metadata = place_of(document), document["metadata"]
        self.met(place, metadata["uid"])
        self.resting.settle(place, Rest(metadata["uid"], int(metadata["resourceVersion"])))
        self.figures.stands(place, document["status"]["phase"])

    async def look(self, place: Place) -> bool:
        """One round. Whether to look again at once, because something was written down that changes what is seen.

        Raises FarmError where something was in the way: the status says so, and nothing was cancelled.
        """
        self.resting.stir(place)
        self._postponed.pop(place, None)
        began = self._clock.monotonic()
        document = await self._document(place)
        await self._clear_away(place, document)
        if document is None:
            return False
        seen, decision = await self._decide(place, document)
        status, moved_on = await self._hand_over(place, document, seen, decision)
        edited = await self._say(place, document, status)
        again = decision.changes_facts or moved_on or edited
        if not again and not decision.wanted:
            self._let_rest(place, document, seen, began)
        return again

    def _let_rest(self, place: Place, document: Document, seen: Observed, began: float) -> None:
        """Note that only a change can move a manifest, if that is so; the next look in full is counted from `began`."""
        if place in self._waits_for or place in self._postponed:
            return
        base = seen.project.spec.base.name if isinstance(seen, ObservedProject) else ""
        meant = seen.base.digest or "" if isinstance(seen, ObservedProject) else ""
        rest = Rest(document["metadata"]["uid"], self._written[place], base, meant, began)
        self.resting.settle(place, rest)

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
        for uid in alive:
            self._brake.returned(place.kind, uid)
        for uid in sorted(self._uids[place] - alive):
            if document is None and self._is_held(place, uid):
                continue
            await self._actor.retire(place, uid, self._holders.may_hold(uid))
            self._uids[place].discard(uid)
            self._reports.pop(uid, None)
            self._holders.forget(uid)
            self.observer.forget(uid)
            self._brake.withdrawn(place.kind, uid)
        self._tell_held()
        if document is None:
            memories = (self._at_work, self._waits_for, self._written, self._look_at, self._said)
            for memory in memories:
                memory.pop(place, None)
            self.figures.forgotten(place)
            if not self._uids[place]:
                del self._uids[place]

    def _is_held(self, place: Place, uid: str) -> bool:
        """Whether one that is gone may not be withdrawn yet; it is looked at again when that may have changed."""
        seconds = self._brake.seconds_until_withdrawal(place.kind, uid)
        if seconds:
            self._postponed[place] = self._clock.monotonic() + seconds
        return seconds > 0

    def _tell_held(self) -> None:
        held = self._brake.held()
        self.figures.held(held)
        if held and self._holding.is_due():
            gone = self._brake.gone()
            log.warning("many manifests are gone at once: their work is not withdrawn yet", gone=gone, next=CONFIRM)
        lasted = None if held else self._holding.over()
        if lasted is not None:
            log.info("no withdrawal is held any more", seconds=round(lasted))

    async def _decide(self, place: Place, document: Document) -> tuple[Observed, Decision]:
        """Observe, reconcile, and write down what must be written."""
        try:
            seen = await self.observer.see(document, self._reports.get(document["metadata"]["uid"]))
            self._note_waiting(place, seen)
            decision = reconcile(seen)
            self._note_next(place, decision)
            for action in decision.actions:
                await self._actor.perform(place, action)
        except FarmError as error:
            await self._say(place, document, kept_status(document, error, self._clock.now()))
            raise
        return seen, decision

    async def _hand_over(
        self, place: Place, document: Document, seen: Observed, decision: Decision
    ) -> tuple[AnyStatus, bool]:
        """Tell the dispatcher what is wanted; the status by its answer, and whether the answer changes the decision."""
        uid = document["metadata"]["uid"]
        if not decision.wanted and not self._holders.may_hold(uid):
            self._at_work.pop(place, None)
            return decision.status, False
        try:
            with self._holders.telling(uid):
                report = await self._actor.hand_over(place, uid, document["metadata"]["generation"], decision.wanted)
        except StaleTerm:
            raise  # whoever leads now says how it stands
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
        else:
            self._at_work.pop(place, None)
            self._holders.holds_nothing(uid)

    def _while_unreachable(self, document: Document, decision: Decision, error: FarmError) -> AnyStatus:
        """What the store says is still true; what only the dispatcher knows is said as it was last.

        Who has all that was declared wants nothing of it, and is told nothing of it.
        """
        if not decision.wanted and decision.status.phase in SATISFIED:
            return decision.status
        is_known = not decision.wanted or document["metadata"]["uid"] in self._reports
        if is_known:
            return with_trouble(decision.status, document, error, self._clock.now())
        return kept_status(document, error, self._clock.now())

    async def _say(self, place: Place, document: Document, status: AnyStatus) -> bool:
        """Write the status, if it says anything new; whether somebody edited the manifest since it was read.

        One that comes too soon after the last is not written: its place is looked at again as soon as one may be.
        """
        if says_already(document, status):
            self._written[place] = int(document["metadata"]["resourceVersion"])
            self.figures.stands(place, status.phase or "Unknown")
            return False
        due = self._said.get(place, NEVER) + self._status_seconds
        if self._clock.monotonic() < due:
            self._postponed[place] = due
            return False
        written = await self._actor.say(document, status)
        if written is None:
            self.figures.overtaken()
            return True
        self._said[place] = self._clock.monotonic()
        self._written[place] = int(written["metadata"]["resourceVersion"])
        self.figures.said(place, status.phase or "Unknown")
        for one in tidings.between(last_status(document), status):
            await self._recorder.tell(written, one.kind, one.reason, one.message)
        was_edited = bool(written["metadata"]["generation"] != document["metadata"]["generation"])
        if was_edited:
            self.figures.overtaken()
        return was_edited

    def _note_next(self, place: Place, decision: Decision) -> None:
        self._look_at.pop(place, None)
        if decision.look_at is not None:
            self._look_at[place] = decision.look_at

    def _note_waiting(self, place: Place, seen: Observed) -> None:
        if isinstance(seen, ObservedSchedule):
            nights = (Place("Campaign", place.namespace, one.name) for one in seen.nights)
            self._waits_for[place] = frozenset(nights)
            return
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
