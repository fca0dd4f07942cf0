"""Schedules through months drawn by chance: stops between any two effects, farms that are down, people who edit and delete."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.cron import Cron
from jobs import manifests
from jobs.manifests import Campaign, CampaignStatus, seconds_of_moment
from operators.decision import Action, DropNight, EndNight, MakeNight
from operators.observed import ObservedNight, ObservedSchedule
from operators.reconcile import reconcile
from operators.schedule import window_seconds
from tests import builders

CREATED = seconds_of_moment("2026-03-27T00:00:00Z")
PHASES = ["Complete", "Ended", "Failed", "Cancelled", "Refused"]


@dataclass(frozen=True)
class Made:
    """A night that was begun: its time, its end, and when."""

    at: float
    until: float
    now: float
    others_at_work: int


@dataclass
class Life:
    """What stands: the schedule's manifest and status, its nights by name, and every night that was ever begun."""

    campaign: Campaign
    now: float = CREATED
    status: CampaignStatus | None = None
    nights: dict[str, ObservedNight] = field(default_factory=dict)
    begun: dict[str, Made] = field(default_factory=dict)
    dropped: list[ObservedNight] = field(default_factory=list)

    @property
    def sight(self) -> ObservedSchedule:
        nights = tuple(sorted(self.nights.values(), key=lambda night: night.at))
        return ObservedSchedule(self.campaign, nights, frozenset(), self.now, self.status)

    def look(self, effects: int) -> bool:
        """One round, stopped after some effects; whether it came to its end."""
        decision = reconcile(self.sight)
        for number, action in enumerate(decision.actions):
            if number == effects:
                return False
            self._perform(action)
        if effects <= len(decision.actions):
            return False
        assert isinstance(decision.status, CampaignStatus)
        self.status = decision.status
        return not decision.changes_facts

    def rest(self) -> None:
        """Rounds until nothing changes."""
        for _ in range(9):
            if self.look(99):
                return
        raise AssertionError("it never comes to rest")

    def _perform(self, action: Action) -> None:
        match action:
            case MakeNight():
                self._make(action)
            case EndNight():
                self.nights[action.name] = replace(self.nights[action.name], until=seconds_of_moment(action.until))
            case DropNight():
                self.dropped.append(self.nights.pop(action.name))

    def _make(self, action: MakeNight) -> None:
        stamp, until = action.name.rpartition("-")[2], seconds_of_moment(action.document["spec"]["until"])
        at = seconds_of_moment(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:]}:00Z")
        assert action.name not in self.begun, "one instant, one night"
        going = [one for one in self.nights.values() if not one.is_over and (one.until or 0) > self.now]
        self.begun[action.name] = Made(at, until, self.now, len(going))
        self.nights[action.name] = ObservedNight(action.name, f"uid-{stamp}", at, until, None)

    def end(self, phase: str, drawn: int) -> None:
        """The oldest night at work is over."""
        at_work = self.sight.at_work
        if at_work:
            said = CampaignStatus(phase=phase, progress=f"{drawn}/20", reason=phase)
            self.nights[at_work[0].name] = replace(at_work[0], status=said)


def edited(campaign: Campaign, **changes: object) -> Campaign:
    schedule = campaign.spec.schedule
    assert schedule is not None
    spec = campaign.spec.model_copy(update={"schedule": schedule.model_copy(update=changes)})
    return campaign.model_copy(update={"spec": spec})


STEPS = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 30 * 3600)),
    st.tuples(st.just("stop"), st.integers(0, 4)),
    st.tuples(st.just("rest"), st.just(0)),
    st.tuples(st.just("end"), st.integers(0, 4)),
    st.tuples(st.just("delete"), st.integers(0, 3)),
    st.tuples(st.just("suspend"), st.integers(0, 1)),
)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["30 1 * * *", "0 */6 * * *", "30 1,2 * * *", "15 * * * *"]),
    st.sampled_from(["Europe/London", "America/New_York", "UTC"]),
    st.sampled_from(["30m", "5h", "26h"]),
    st.sampled_from(["skip", "run"]),
    st.sampled_from(["forbid", "allow", "replace"]),
    st.integers(0, 2),
    st.lists(STEPS, max_size=40),
)
def test_whatever_happens_a_night_is_made_once_and_in_its_window(
    cron: str, zone: str, window: str, missed: str, concurrency: str, kept: int, steps: list[tuple[str, int]]
) -> None:
    said = {"cron": cron, "timeZone": zone, "window": window, "missed": missed, "concurrency": concurrency}
    document = builders.campaign(schedule={**said, "history": {"complete": kept, "failed": kept}})
    parsed = manifests.parse(builders.kept(document, "uid-9", created="2026-03-27T00:00:00Z"))
    assert isinstance(parsed, Campaign)
    life = Life(parsed)
    for what, number in steps:
        match what:
            case "wait":
                life.now += number
            case "stop":
                life.look(number)
            case "rest":
                life.rest()
            case "end":
                life.end(PHASES[number], drawn=4 * number)
            case "delete":
                life.rest()
                for name in list(life.nights)[:number]:
                    del life.nights[name]
            case "suspend":
                life.campaign = edited(life.campaign, suspend=bool(number))
    life.rest()
    life.rest()  # what the status was told of can be forgotten
    _judge(life, Cron(cron, zone), missed, concurrency)


def _judge(life: Life, cron: Cron, missed: str, concurrency: str) -> None:
    schedule = life.sight.schedule
    window = window_seconds(schedule)
    for made in life.begun.values():
        assert cron.next(made.at - 1) == made.at, "it is a time of the cron"
        assert CREATED < made.at <= made.now < made.until <= made.now + window
        in_window = made.now < made.at + window
        assert made.until == made.at + window if in_window else missed == "run"
        following = cron.next(made.now)
        assert in_window or following is None or made.until <= following
        assert concurrency == "allow" or made.others_at_work == 0
    assert all(one.is_over for one in life.dropped)
    ended = [one for one in life.sight.nights if one.is_over]
    assert len(ended) <= schedule.history.complete + schedule.history.failed
