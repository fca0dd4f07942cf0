"""A campaign's life as a table: what was seen, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cluster import attempts
from cluster.ports import JobReport
from jobs import plan
from jobs.manifests import CAMPAIGN_CONDITIONS, CampaignStatus
from jobs.records import RerunRecord
from jobs.spec import Job
from operators.decision import StartCampaign
from operators.observed import Brand, ObservedCampaign, ObservedChunk
from operators.reconcile import reconcile
from tests import builders
from tests.builders import NOON, digest
from tests.operators.sights import (
    approval,
    campaign_seen,
    declared,
    leased,
    planned,
    ready_brand,
    started,
    told,
    version,
)


def status_of(sight: ObservedCampaign) -> CampaignStatus:
    status = reconcile(sight).status
    assert isinstance(status, CampaignStatus)
    return status


def facts_of(sight: ObservedCampaign) -> dict[str, tuple[str, str]]:
    return {one.type: (one.status.value, one.reason) for one in status_of(sight).conditions}


def start_of(sight: ObservedCampaign) -> StartCampaign:
    (start,) = reconcile(sight).actions
    assert isinstance(start, StartCampaign)
    return start


def test_a_campaign_starts_when_its_brand_serves_and_freezes_what_it_resolved_to() -> None:
    brand = ready_brand(finish=[{"grain": {"power": 0.2}}])
    start = start_of(campaign_seen(planned(), brand))
    trained = brand.versions[0].trained
    assert trained is not None
    assert start.record.looks == [
        {"label": "stable-socks v1 at 0.9", "project": "default/stable-socks", "version": "v1"}
    ]
    assert (start.record.count, start.record.chunk, start.record.created) == (20, 16, NOON)
    recipe = start.plan.shot(0).recipe
    assert [(use.digest, use.strength) for use in recipe.adapters] == [(trained.adapter, 0.9)]
    assert recipe.prompt == "a photo of a stblsx sock on a beach"
    assert recipe.finish == brand.project.spec.finish != ()


def test_until_its_brand_serves_it_waits_and_wants_nothing() -> None:
    project = declared()
    cases = {
        "BrandNotFound": (),
        "Training": (Brand(project, (version(project, trained=False),)),),
        "AwaitingApproval": (Brand(project, (version(project),)),),
    }
    for reason, brands in cases.items():
        sight = campaign_seen(planned(), *brands)
        assert (reconcile(sight).actions, reconcile(sight).wanted) == ((), ())
        assert (status_of(sight).phase, status_of(sight).reason) == ("Waiting", reason)
        assert facts_of(sight)["Accepted"] == ("True", "Accepted")
        assert facts_of(sight)["Complete"] == ("False", reason)


def test_a_look_may_pin_a_version_that_passed_the_gate() -> None:
    project = declared()
    brand = Brand(project, (version(project), version(project, 2)), (approval(1), approval(2)))
    pinned = planned(looks=[{"brand": "stable-socks", "version": "v1"}])
    assert start_of(campaign_seen(pinned, brand)).record.looks[0]["version"] == "v1"
    unapproved = Brand(project, brand.versions, (approval(2),))
    assert status_of(campaign_seen(pinned, unapproved)).reason == "AwaitingApproval"


def test_a_started_campaign_wants_the_chunks_without_a_record_whatever_became_of_its_brands() -> None:
    sight = started(planned(), builders.chunk_record)
    assert [(job.ask.start, job.ask.stop) for job in reconcile(sight).wanted] == [(16, 20)]  # type: ignore[union-attr]
    assert reconcile(sight).actions == ()
    assert status_of(sight).progress == "16/20"


def test_a_complete_campaign_wants_nothing() -> None:
    sight = started(planned(), builders.chunk_record, lambda job: builders.chunk_record(job, reused=3))
    assert reconcile(sight).wanted == ()
    status = status_of(sight)
    assert (status.phase, status.message) == ("Complete", "20 of 20 images, 3 of them made before.")
    assert status.shots.model_dump() == {"planned": 20, "made": 17, "reused": 3, "failed": 0}
    assert facts_of(sight) == {
        "Accepted": ("True", "Accepted"),
        "Progressing": ("False", "Complete"),
        "Complete": ("True", "Complete"),
        "Degraded": ("False", "AsExpected"),
    }


def test_failed_shots_are_counted_and_the_campaign_ends_all_the_same() -> None:
    sight = started(planned(), builders.chunk_record, lambda job: builders.chunk_record(job, failed=1))
    status = status_of(sight)
    assert (status.phase, status.reason, status.shots.failed) == ("Complete", "ShotsFailed", 1)
    assert facts_of(sight)["Complete"] == ("True", "ShotsFailed")
    degraded = status.condition("Degraded")
    assert degraded is not None
    assert degraded.message == "1 of 20 shots failed. The first, shot 16: No room for the picture."


def test_a_chunk_that_failed_for_good_counts_all_its_shots() -> None:
    sight = started(planned(), builders.chunk_record)
    last = sight.chunks[1].job
    sight = replace(sight, report=told((last, builders.failed("OutOfMemory", "No room."))))
    assert status_of(sight).shots.failed == 4
    assert (status_of(sight).phase, facts_of(sight)["Degraded"]) == ("Complete", ("True", "ShotsFailed"))
    assert reconcile(sight).wanted == (last,), "a person's retry must find it"


def failing(job: Job) -> Any:
    return builders.chunk_record(job, failed=8)


def test_too_many_failures_stop_it_and_say_so() -> None:
    limits = {"shots": 3000, "stopIf": {"failedRate": 0.2, "after": 16}}
    sight = started(planned(limits=limits), failing)
    assert reconcile(sight).wanted == ()
    status = status_of(sight)
    assert (status.phase, status.reason) == ("Failed", "StoppedOnFailures")
    assert status.message == (
        "Stopped: 8 of 20 images; 8 failed, more than the share of 0.2 that limits.stopIf allows. "
        "The first, shot 0: No room for the picture."
    )
    early = started(planned(limits={"shots": 3000, "stopIf": {"failedRate": 0.2, "after": 50}}), failing)
    assert len(reconcile(early).wanted) == 1


def test_a_stop_that_rests_on_failed_chunks_does_not_undo_itself() -> None:
    limits = {"shots": 3000, "stopIf": {"failedRate": 0.2, "after": 4}}
    sight = started(planned(limits=limits))
    first = sight.chunks[0].job
    stopped = replace(sight, report=told((first, builders.failed())))
    assert reconcile(stopped).wanted == (first,)
    assert status_of(stopped).reason == "StoppedOnFailures"


def test_looks_of_different_bases_need_a_campaign_each() -> None:
    other = ready_brand("uid-2")
    elsewhere = other.versions[0].record.model_copy(update={"base": digest("another base")})
    other = replace(other, versions=(replace(other.versions[0], record=elsewhere),))
    both = planned(looks=[{"brand": "stable-socks"}, {"brand": "mugs"}])
    sight = replace(campaign_seen(both), brands={"stable-socks": ready_brand(), "mugs": other})
    assert (status_of(sight).phase, facts_of(sight)["Accepted"]) == ("Refused", ("False", "BasesDiffer"))


def test_what_is_being_drawn_counts() -> None:
    sight = started(planned())
    one, two = (chunk.job for chunk in sight.chunks)
    half_done = leased(9, 16, reused=3, failed=1)
    sight = replace(sight, report=told((one, half_done), (two, JobReport(state="waiting"))))
    status = status_of(sight)
    assert status.shots.model_dump() == {"planned": 20, "made": 5, "reused": 3, "failed": 1}
    assert (status.progress, facts_of(sight)["Progressing"]) == ("8/20", ("True", "Generating"))


def test_what_was_drawn_stays_counted_when_its_worker_is_lost_and_is_counted_once_when_found_again() -> None:
    sight = started(planned())
    one, two = (chunk.job for chunk in sight.chunks)
    before = status_of(replace(sight, report=told((one, leased(9, 16, reused=3)), (two, leased(4, 4)))))
    for report, shots in (
        (told((one, JobReport(state="waiting")), (two, JobReport(state="waiting"))), (13, 0)),
        (told((one, leased(9, 16, reused=9)), (two, leased(2, 4, reused=2))), (2, 11)),
        (told((one, leased(16, 16, reused=9)), (two, leased(4, 4, reused=4))), (7, 13)),
    ):
        now = status_of(replace(sight, status=before, report=report)).shots
        assert (now.made, now.reused) == shots


def test_the_pace_is_that_of_the_newest_chunks_times_those_drawn_side_by_side() -> None:
    def took_8_seconds(job: Job) -> Any:
        return builders.chunk_record(job).model_copy(update={"seconds": 8.0})

    sight = started(planned(), took_8_seconds, count=48)
    reports = told(*((chunk.job, leased(0, 16)) for chunk in sight.chunks[1:]))
    status = status_of(replace(sight, report=reports))
    assert (status.images_per_second, status.forecast) == (4.0, "2027-01-15T08:01:00Z")
    assert status_of(sight).forecast is None, "while nothing is drawn, nobody can tell"


def test_while_nothing_is_drawn_it_says_what_it_waits_for() -> None:
    sight = started(planned())
    queued = JobReport(state="waiting", waiting_for="No worker is free.")
    sight = replace(sight, report=told(*((chunk.job, queued) for chunk in sight.chunks)))
    assert (status_of(sight).reason, status_of(sight).message) == (
        "Queued",
        "0 of 20 images. They wait: No worker is free.",
    )


def test_all_conditions_are_always_there() -> None:
    for sight in (campaign_seen(planned()), campaign_seen(planned(), ready_brand()), started(planned())):
        assert tuple(one.type for one in status_of(sight).conditions) == CAMPAIGN_CONDITIONS


def test_a_rerun_draws_what_had_failed_and_the_counts_follow() -> None:
    failed = started(planned(), builders.chunk_record, lambda job: builders.chunk_record(job, reused=1, failed=2))
    before = failed.chunks[1].record
    assert before is not None
    again = plan.chains([failed.chunks[1].job], [rerun(1, (16, 20))])[0][-1]
    waiting = replace(failed, chunks=(failed.chunks[0], ObservedChunk(again, None, (before,))))
    assert reconcile(waiting).wanted == (again,)
    assert status_of(waiting).phase == "Generating"
    assert status_of(waiting).shots.model_dump() == {"planned": 20, "made": 17, "reused": 1, "failed": 0}
    # One of the two came out this time; the two that stood were found.
    done = replace(waiting.chunks[1], record=builders.chunk_record(again, drawn=1, reused=2, failed=1))
    over = status_of(replace(waiting, chunks=(failed.chunks[0], done)))
    assert (over.phase, over.reason) == ("Complete", "ShotsFailed")
    assert over.shots.model_dump() == {"planned": 20, "made": 18, "reused": 1, "failed": 1}


def test_a_cancelled_campaign_ends_with_what_it_has_and_says_by_whom() -> None:
    sight = started(planned(limits={"stopIf": {"failedRate": 0.0, "after": 1}}), builders.chunk_record)
    word = JobReport(state="failed", trouble=attempts.cancellation("lead", "too dark"))
    status = status_of(replace(sight, report=told((sight.chunks[1].job, word))))
    assert (status.phase, status.reason, status.progress) == ("Cancelled", "Cancelled", "16/20")
    assert status.message == (
        "It was cancelled by lead: too dark. 16 of 20 images stand. `brandfarm retry campaign/spring` draws the rest."
    )
    assert status.shots.failed == 0
    assert {one.type: one.status.value for one in status.conditions} == {
        "Accepted": "True",
        "Progressing": "False",
        "Complete": "False",
        "Degraded": "False",
    }


def rerun(number: int, *ranges: tuple[int, int]) -> RerunRecord:
    return RerunRecord(uid="uid-9", number=number, ranges=list(ranges), by="lead", created=NOON)


def test_at_the_end_of_its_time_only_what_a_worker_has_stays_wanted_and_then_it_ends() -> None:
    campaign = planned(until="2027-01-15T08:00:00Z")
    sight = started(campaign, None, None, count=48)
    first, second, third = (chunk.job for chunk in sight.chunks)
    early = replace(sight, now=NOON - 1, report=told((first, leased(3, 16))))
    assert reconcile(early).wanted == (first, second, third)
    assert reconcile(early).look_at == NOON
    late = replace(sight, report=told((first, leased(3, 16)), (second, builders.failed())))
    assert reconcile(late).wanted == (first, second)
    assert (status_of(late).phase, reconcile(late).look_at) == ("Generating", None)
    drawn = replace(sight.chunks[0], record=builders.chunk_record(first))
    over = status_of(replace(sight, chunks=(drawn, *sight.chunks[1:])))
    assert (over.phase, over.reason, over.progress) == ("Ended", "WindowEnded", "16/48")
    assert over.message == (
        "Its time ended at 2027-01-15T08:00:00Z: 16 of 48 images stand. A later spec.until draws the rest."
    )


def test_that_it_ended_stands_when_the_dispatcher_forgets_why() -> None:
    sight = started(planned(until="2027-01-15T08:00:00Z"), builders.chunk_record)
    lost = told((sight.chunks[1].job, builders.failed("OutOfMemory", "No room.")))
    before = status_of(replace(sight, report=lost))
    assert (before.phase, before.reason) == ("Complete", "ShotsFailed")
    after = replace(sight, report=None, status=before)
    assert (status_of(after), reconcile(after).wanted) == (before, ())
    extended = planned(until="2027-01-15T09:00:00Z")
    assert reconcile(replace(after, campaign=extended)).wanted == (sight.chunks[1].job,)


def test_what_a_person_asks_for_again_is_drawn_after_its_time() -> None:
    ended = started(planned(until="2027-01-15T08:00:00Z"), builders.chunk_record, builders.chunk_record)
    record = ended.chunks[1].record
    assert record is not None
    again = plan.chains([ended.chunks[1].job], [rerun(1, (16, 20))])[0][-1]
    sight = replace(ended, status=status_of(ended), chunks=(ended.chunks[0], ObservedChunk(again, None, (record,))))
    assert reconcile(sight).wanted == (again,)
    assert status_of(sight).phase == "Generating"


def test_one_whose_time_is_over_before_its_brand_serves_ends_with_nothing() -> None:
    sight = campaign_seen(planned(until="2027-01-15T08:00:00Z"))
    assert status_of(replace(sight, now=NOON - 1)).phase == "Waiting"
    assert reconcile(replace(sight, now=NOON - 1)).look_at == NOON
    assert (reconcile(sight).actions, status_of(sight).phase, status_of(sight).progress) == ((), "Ended", "0/20")
