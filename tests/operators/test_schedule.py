"""A schedule's decisions as a table: what was seen of its nights, and which one begins, waits or is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from jobs import manifests
from jobs.manifests import CAMPAIGN_CONDITIONS, Campaign, CampaignStatus
from operators.decision import Action, DropNight, EndNight, MakeNight
from operators.observed import ObservedNight, ObservedSchedule
from operators.reconcile import reconcile
from tests import builders

HOUR = 3600.0


def at(text: str) -> float:
    """Seconds since 1970 of a UTC time of 2026."""
    return datetime.fromisoformat(f"2026-{text}:00+00:00").timestamp()


TONIGHT = at("11-21T01:30")


def nightly(placement: Any = None, until: str | None = None, **schedule: Any) -> Campaign:
    """A campaign of half past one every night in London, five hours long, created on 1 November."""
    said = {"cron": "30 1 * * *", "timeZone": "Europe/London", "window": "5h", **schedule}
    spec: dict[str, Any] = {"schedule": said, "placement": placement or {}, **({"until": until} if until else {})}
    document = builders.kept(builders.campaign(**spec), "uid-9", created="2026-11-01T08:00:00Z")
    document["metadata"]["labels"] = {"team": "socks"}
    parsed = manifests.parse(document)
    assert isinstance(parsed, Campaign)
    return parsed


def seen(campaign: Campaign, now: float, *nights: ObservedNight, **fields: Any) -> ObservedSchedule:
    """A sight of a schedule of which the night before the last was decided on."""
    status = CampaignStatus(last_schedule_time="2026-11-20T01:30:00Z")
    return replace(ObservedSchedule(campaign, nights, frozenset(), now, status), **fields)


def night(time: str = "11-20T01:30", phase: str = "Complete", progress: str = "20/20", **fields: Any) -> ObservedNight:
    stamp = f"2026{time[:2]}{time[3:5]}t{time[6:8]}{time[9:]}"
    status = CampaignStatus(phase=phase, progress=progress, reason=fields.pop("reason", phase))
    sight = ObservedNight(f"spring-{stamp}", f"uid-{stamp}", at(time), at(time) + 5 * HOUR, status)
    return replace(sight, **fields)


def actions(sight: ObservedSchedule) -> tuple[Action, ...]:
    return reconcile(sight).actions


def made(sight: ObservedSchedule) -> dict[str, Any]:
    """The campaign of the one night that begins."""
    (begun,) = (action for action in actions(sight) if isinstance(action, MakeNight))
    return begun.document


def status_of(sight: ObservedSchedule) -> CampaignStatus:
    status = reconcile(sight).status
    assert isinstance(status, CampaignStatus)
    return status


def facts_of(sight: ObservedSchedule) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status.value, one.reason) for one in status_of(sight).conditions}


def test_a_night_is_a_campaign_of_its_own_that_says_until_when() -> None:
    document = made(seen(nightly({"priority": "low", "deadline": "06:00"}), TONIGHT + 60))
    assert document["metadata"] == {
        "name": "spring-20261121t0130",
        "namespace": "default",
        "labels": {"team": "socks", "brandfarm.dev/schedule": "spring"},
        "ownerReferences": [
            {
                "apiVersion": "brandfarm.dev/v1alpha1",
                "kind": "Campaign",
                "name": "spring",
                "uid": "uid-9",
                "controller": True,
            }
        ],
    }
    spec, parent = document["spec"], manifests.dump(nightly())["spec"]
    assert "schedule" not in spec
    assert spec["until"] == "2026-11-21T06:30:00Z"
    assert (spec["placement"]["priority"], spec["placement"]["deadline"]) == ("low", "2026-11-21T06:00:00Z")
    assert all(spec[field] == parent[field] for field in ("looks", "shots", "sampler", "limits", "output"))
    assert isinstance(manifests.parse(document), Campaign)


def test_a_deadline_is_of_the_schedules_zone_and_a_moment_stays_one() -> None:
    summer = nightly({"deadline": "06:00"})
    sight = seen(summer, at("07-01T00:30"), status=None)
    early = summer.model_copy(update={"metadata": summer.metadata.model_copy(update={"creation_timestamp": None})})
    assert actions(replace(sight, campaign=early)) == (), "what was created now has no night before"
    created = summer.metadata.model_copy(update={"creation_timestamp": "2026-06-30T00:00:00Z"})
    sight = replace(sight, campaign=summer.model_copy(update={"metadata": created}))
    assert made(sight)["spec"]["placement"]["deadline"] == "2026-07-01T05:00:00Z"
    fixed = nightly({"deadline": "2026-12-24T12:00:00Z"})
    assert made(seen(fixed, TONIGHT))["spec"]["placement"]["deadline"] == "2026-12-24T12:00:00Z"


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        pytest.param(TONIGHT - 1, False, id="a second too early"),
        pytest.param(TONIGHT, True, id="at its time"),
        pytest.param(TONIGHT + 5 * HOUR - 1, True, id="late, in its window"),
        pytest.param(TONIGHT + 5 * HOUR, False, id="when the window has closed"),
    ],
)
def test_a_night_begins_in_its_window_only(now: float, begins: bool) -> None:
    assert bool(actions(seen(nightly(), now))) is begins


def test_the_next_look_is_at_the_next_time_to_the_second() -> None:
    before, after = seen(nightly(), TONIGHT - 100), seen(nightly(), TONIGHT, night("11-21T01:30", "Generating"))
    assert reconcile(before).look_at == TONIGHT
    assert status_of(before).next_schedule_time == "2026-11-21T01:30:00Z"
    assert reconcile(after).look_at == TONIGHT + 24 * HOUR


def test_a_schedule_that_was_just_created_makes_no_earlier_night() -> None:
    campaign = nightly()
    metadata = campaign.metadata.model_copy(update={"creation_timestamp": "2026-11-21T01:30:00Z"})
    fresh = campaign.model_copy(update={"metadata": metadata})
    assert actions(seen(fresh, TONIGHT + 60, status=None)) == ()


def test_a_night_that_stands_is_not_made_again_whatever_the_status_forgot() -> None:
    sight = seen(nightly(), TONIGHT + 60, night("11-21T01:30", "Generating", "4/20"))
    for status in (sight.status, None):
        assert actions(replace(sight, status=status)) == ()
        told = status_of(replace(sight, status=status))
        assert (told.phase, told.active, told.progress) == ("Running", ("spring-20261121t0130",), "4/20")
        assert told.last_schedule_time == "2026-11-21T01:30:00Z"


def test_a_night_that_a_person_deleted_stays_deleted() -> None:
    status = CampaignStatus(last_schedule_time="2026-11-21T01:30:00Z")
    assert actions(seen(nightly(), TONIGHT + 60, status=status)) == ()


def test_a_missed_night_is_left_out_and_told() -> None:
    sight = seen(nightly(), TONIGHT + 6 * HOUR)
    assert actions(sight) == ()
    status = status_of(sight)
    assert status.last_night is not None
    assert (status.last_night.name, status.last_night.phase) == ("spring-20261121t0130", "Skipped")
    assert (status.last_night.reason, status.last_schedule_time) == ("WindowMissed", "2026-11-21T01:30:00Z")
    assert facts_of(sight)["Degraded"] == ("True", "NightSkipped")
    remembered = replace(sight, status=status)
    assert status_of(remembered).last_night == status.last_night


def test_a_missed_night_that_is_run_gets_a_window_from_now_but_not_into_the_next_night() -> None:
    late = made(seen(nightly(missed="run"), TONIGHT + 6 * HOUR))
    assert (late["metadata"]["name"], late["spec"]["until"]) == ("spring-20261121t0130", "2026-11-21T12:30:00Z")
    later = made(seen(nightly(missed="run"), TONIGHT + 22 * HOUR))
    assert later["spec"]["until"] == "2026-11-22T01:30:00Z"


def test_of_a_week_away_only_the_newest_night_counts() -> None:
    old = CampaignStatus(last_schedule_time="2026-11-13T01:30:00Z")
    assert made(seen(nightly(missed="run"), TONIGHT + 8 * HOUR, status=old))["metadata"]["name"].endswith("21t0130")


def test_while_the_last_night_is_at_work_forbid_waits_in_the_window_and_is_then_left_out() -> None:
    last = night(phase="Generating", progress="4/20")
    waits = seen(nightly(), TONIGHT + 60, last)
    assert actions(waits) == ()
    assert (status_of(waits).phase, status_of(waits).reason) == ("Running", "LastNightAtWork")
    assert status_of(waits).last_schedule_time == "2026-11-20T01:30:00Z", "nothing is decided on it yet"
    assert reconcile(waits).look_at == TONIGHT + 5 * HOUR
    begins = replace(waits, nights=(night(),))
    assert made(begins)["spec"]["until"] == "2026-11-21T06:30:00Z"
    over = replace(waits, now=TONIGHT + 5 * HOUR)
    assert actions(over) == ()
    assert status_of(over).last_schedule_time == "2026-11-21T01:30:00Z"
    skipped = status_of(over).last_night
    assert skipped is not None
    assert (skipped.phase, skipped.reason) == ("Skipped", "LastNightAtWork")


def test_a_night_that_is_run_late_waits_for_the_last_one_past_its_window() -> None:
    sight = seen(nightly(missed="run"), TONIGHT + 6 * HOUR, night(phase="Generating"))
    assert (actions(sight), status_of(sight).reason) == ((), "LastNightAtWork")
    assert made(replace(sight, nights=(night(),)))["metadata"]["name"] == "spring-20261121t0130"


def test_allow_begins_beside_the_last_night() -> None:
    sight = seen(nightly(concurrency="allow"), TONIGHT, night(phase="Generating"))
    assert made(sight)["metadata"]["name"] == "spring-20261121t0130"
    assert status_of(sight).active == ("spring-20261120t0130", "spring-20261121t0130")


def test_replace_ends_the_last_night_first() -> None:
    at_work = night(phase="Generating", until=TONIGHT + HOUR)
    sight = seen(nightly(concurrency="replace"), TONIGHT + 2, at_work, night("11-19T01:30"))
    ends, begins = actions(sight)
    assert ends == EndNight(
        "default", at_work.name, at_work.uid, "2026-11-21T01:30:02Z", replaced_by="spring-20261121t0130"
    )
    assert isinstance(begins, MakeNight)
    already = replace(at_work, until=TONIGHT)
    assert [type(one) for one in actions(replace(sight, nights=(already,)))] == [MakeNight]


def test_while_it_is_suspended_no_night_begins_and_those_that_pass_are_left_out() -> None:
    sight = seen(nightly(suspend=True, missed="run"), TONIGHT + 60)
    assert (actions(sight), status_of(sight).phase) == ((), "Suspended")
    assert status_of(sight).next_schedule_time is None
    resumed = replace(sight, campaign=nightly(missed="run"))
    assert made(resumed)["metadata"]["name"] == "spring-20261121t0130"
    passed = replace(sight, now=TONIGHT + 5 * HOUR)
    status = status_of(passed)
    assert (status.last_night and status.last_night.reason, facts_of(passed)["Degraded"][0]) == ("Suspended", "False")
    assert actions(replace(passed, campaign=nightly(missed="run"), status=status)) == ()


def test_a_name_that_somebody_else_has_is_told_and_kept_from_them() -> None:
    sight = seen(nightly(), TONIGHT, taken=frozenset({"spring-20261121t0130"}))
    assert actions(sight) == ()
    assert (status_of(sight).phase, status_of(sight).reason) == ("Scheduled", "NameTaken")
    assert facts_of(sight)["Degraded"] == ("True", "NameTaken")
    assert "delete it" in (status_of(sight).message or "")


def test_the_oldest_ended_nights_are_forgotten_and_never_one_at_work() -> None:
    nights = (
        night("11-14T01:30", "Generating"),
        night("11-15T01:30", "Failed", "0/20"),
        night("11-16T01:30"),
        night("11-17T01:30", "Ended", "9/20"),
        night("11-18T01:30", "Ended", "0/20"),
        night("11-19T01:30"),
        night("11-20T01:30"),
    )
    sight = seen(nightly(), TONIGHT - HOUR, *nights)
    assert actions(sight) == (), "not before the status remembers the last one"
    assert reconcile(sight).look_at == sight.now + 1
    remembered = replace(sight, status=status_of(sight))
    forgotten = [one.name for one in actions(remembered) if isinstance(one, DropNight)]
    assert forgotten == ["spring-20261116t0130", "spring-20261115t0130"]
    keeps_none = replace(remembered, campaign=nightly(history={"complete": 0, "failed": 0}))
    assert len(actions(keeps_none)) == 6
    assert status_of(replace(keeps_none, nights=())).last_night == status_of(sight).last_night


def test_the_last_night_is_told_with_what_it_came_to() -> None:
    ended = night("11-20T01:30", "Ended", "12/20", reason="WindowEnded")
    sight = seen(nightly(), TONIGHT - HOUR, ended)
    assert status_of(sight).message == (
        "The next night is 2026-11-21 01:30 Europe/London. "
        "The last, spring-20261120t0130: Ended (WindowEnded), 12/20 images."
    )
    assert facts_of(sight) == {
        "Accepted": ("True", "Accepted"),
        "Progressing": ("False", "Scheduled"),
        "Complete": ("False", "Scheduled"),
        "Degraded": ("False", "AsExpected"),
    }
    failed = replace(sight, nights=(night(phase="Failed", progress="0/20", reason="StoppedOnFailures"),))
    assert facts_of(failed)["Degraded"] == ("True", "NightFailed")


def test_after_its_last_night_a_schedule_is_complete() -> None:
    campaign = nightly(until="2026-11-21T03:00:00Z")
    assert made(seen(campaign, TONIGHT))["spec"]["until"] == "2026-11-21T03:00:00Z"
    status = CampaignStatus(last_schedule_time="2026-11-21T01:30:00Z")
    over = seen(campaign, at("11-21T04:00"), night("11-21T01:30"), status=status)
    assert (status_of(over).phase, facts_of(over)["Complete"]) == ("Complete", ("True", "ScheduleEnded"))
    assert (actions(over), reconcile(over).look_at) == ((), None)


@pytest.mark.parametrize("schedule", [{"cron": "99 1 * * *"}, {"timeZone": "Europe/Atlantis"}])
def test_times_that_nobody_understands_are_refused_with_the_next_step(schedule: dict[str, str]) -> None:
    sight = seen(nightly(**schedule), TONIGHT)
    assert (reconcile(sight).actions, status_of(sight).phase) == ((), "Refused")
    assert facts_of(sight)["Accepted"] == ("False", "ScheduleInvalid")
    assert "Write " in (status_of(sight).message or "")


def test_all_conditions_are_always_there() -> None:
    for sight in (seen(nightly(), TONIGHT), seen(nightly(cron="99 1 * * *"), TONIGHT), seen(nightly(), 0.0)):
        assert tuple(one.type for one in status_of(sight).conditions) == CAMPAIGN_CONDITIONS
