"""The dispatcher by example: what it is told, and what it then wants done."""

from __future__ import annotations

import pytest

from cluster import attempts
from cluster.book import LEASE_SECONDS
from cluster.dispatcher import STRANGER_SECONDS, Dispatcher
from cluster.instructions import Begin, Found, Instruction, Look, RecordFailure, RecordRetry, Stop
from cluster.ports import EventKind, Offer, Trouble, WantedSet
from cluster.reports import Reporting
from jobs.errors import NotFound
from jobs.lifecycle import JobState
from jobs.spec import Job, Priority
from tests.cluster.dispatching import (
    TRYING_AGAIN_HELPS,
    TRYING_AGAIN_IS_VAIN,
    answer,
    chunk,
    event,
    held,
    hello,
    moment,
    training,
    wanted,
)

SOCK, MUG = training(1), training(2, project="studio/mugs")
CANCELLED = RecordFailure(SOCK.id, 2, attempts.cancellation("lead", "too dark"))
NOTHING_THERE = Found(record=False)


def dispatcher_wanting(*jobs: Job) -> Dispatcher:
    """One whose owner wants these, none of which the store knows."""
    dispatcher = Dispatcher()
    dispatcher.want("owner", wanted(*jobs), moment(0))
    for job in jobs:
        dispatcher.looked(Look(job), NOTHING_THERE, moment(0))
    return dispatcher


def dispatcher_working_on(*jobs: Job) -> Dispatcher:
    """One that has begun these on worker w."""
    dispatcher = dispatcher_wanting(*jobs)
    dispatcher.met(hello("w"), moment(0))
    begun = dispatcher.place(moment(0))
    assert {one.job for one in begun if isinstance(one, Begin)} == set(jobs)
    return dispatcher


def state(dispatcher: Dispatcher, job: Job) -> JobState:
    return dispatcher.entry(job.id).state


def begins(instructions: list[Instruction]) -> list[tuple[str, str, int]]:
    return [(one.worker, one.job.id, one.attempt) for one in instructions if isinstance(one, Begin)]


def why(dispatcher: Dispatcher, job: Job, seconds: float = 1.0) -> str:
    return Reporting(dispatcher.book, moment(seconds)).why(dispatcher.entry(job.id))


# Owners.


def test_a_wanted_job_is_looked_for_in_the_store_before_it_is_begun() -> None:
    dispatcher = Dispatcher()
    dispatcher.met(hello("w"), moment(0))
    assert dispatcher.want("owner", wanted(SOCK), moment(0)) == [Look(SOCK)]
    assert dispatcher.place(moment(0)) == []
    assert why(dispatcher, SOCK) == "The store is being asked whether it is done already."
    dispatcher.looked(Look(SOCK), NOTHING_THERE, moment(1))
    assert dispatcher.place(moment(1)) == [Begin("w", SOCK, 1)]


def test_what_the_store_has_is_done_without_work() -> None:
    dispatcher = Dispatcher()
    dispatcher.met(hello("w"), moment(0))
    dispatcher.want("owner", wanted(SOCK), moment(0))
    dispatcher.looked(Look(SOCK), Found(record=True), moment(0))
    assert state(dispatcher, SOCK) is JobState.DONE
    assert dispatcher.place(moment(0)) == []


def test_the_same_set_twice_is_harmless() -> None:
    dispatcher = dispatcher_working_on(SOCK, MUG)
    assert dispatcher.want("owner", wanted(SOCK, MUG), moment(1)) == []
    assert dispatcher.place(moment(1)) == []
    assert state(dispatcher, SOCK) is state(dispatcher, MUG) is JobState.LEASED


def test_what_is_absent_from_the_set_is_stopped_and_forgotten() -> None:
    dispatcher = dispatcher_working_on(SOCK, MUG)
    assert dispatcher.want("owner", wanted(MUG, generation=2), moment(1)) == [Stop("w", SOCK.id, at_checkpoint=False)]
    with pytest.raises(NotFound, match="No job"):
        dispatcher.entry(SOCK.id)
    assert state(dispatcher, MUG) is JobState.LEASED


def test_a_job_that_another_owner_wants_goes_on() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    assert dispatcher.want("other", wanted(SOCK), moment(1)) == []
    assert dispatcher.want("owner", wanted(generation=2), moment(2)) == []
    assert state(dispatcher, SOCK) is JobState.LEASED
    assert dispatcher.want("other", wanted(generation=2), moment(3)) == [Stop("w", SOCK.id, at_checkpoint=False)]


def test_a_set_of_an_older_generation_comes_too_late_to_count() -> None:
    dispatcher = dispatcher_wanting(SOCK)
    dispatcher.want("owner", wanted(SOCK, MUG, generation=5), moment(1))
    assert dispatcher.want("owner", wanted(generation=4), moment(2)) == []
    assert dispatcher.wanted_by("owner") == {SOCK.id, MUG.id}


def test_an_owner_that_is_gone_withdraws_everything_without_a_generation() -> None:
    dispatcher = dispatcher_wanting(SOCK)
    dispatcher.want("owner", wanted(SOCK, generation=5), moment(1))
    dispatcher.want("owner", WantedSet(), moment(2))
    assert dispatcher.wanted_by("owner") == frozenset()
    dispatcher.want("owner", wanted(SOCK, generation=4), moment(3))
    assert dispatcher.wanted_by("owner") == frozenset()


def test_the_owner_who_wants_a_job_most_decides_its_priority() -> None:
    urgent = SOCK.model_copy(update={"placement": SOCK.placement.model_copy(update={"priority": Priority.HIGH})})
    dispatcher = dispatcher_wanting(MUG, SOCK)
    dispatcher.want("other", wanted(urgent), moment(1))
    dispatcher.met(hello("w", offer=Offer(train_rows=1)), moment(2))
    assert begins(dispatcher.place(moment(2))) == [("w", SOCK.id, 1)]


def test_an_owner_that_has_not_spoken_is_not_known() -> None:
    with pytest.raises(NotFound, match="Nobody of uid"):
        Dispatcher().wanted_by("nobody")


def test_a_job_withdrawn_and_wanted_again_waits_until_its_worker_has_let_go() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.told("w", answer(holding=(held(SOCK),)), moment(1))
    dispatcher.want("owner", wanted(generation=2), moment(2))
    dispatcher.want("owner", wanted(SOCK, generation=3), moment(3))
    dispatcher.looked(Look(SOCK), NOTHING_THERE, moment(3))
    dispatcher.told("w", answer(holding=(held(SOCK),)), moment(4))
    assert dispatcher.place(moment(4)) == []
    assert why(dispatcher, SOCK, 4) == "A worker is letting go of an earlier attempt at it."
    dispatcher.told("w", answer(), moment(5))
    assert begins(dispatcher.place(moment(5))) == [("w", SOCK.id, 1)]


def test_a_worker_that_never_lets_go_does_not_hold_a_job_back_for_ever() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.told("w", answer(holding=(held(SOCK),)), moment(1))
    dispatcher.want("owner", wanted(generation=2), moment(2))
    dispatcher.want("owner", wanted(SOCK, generation=3), moment(3))
    dispatcher.looked(Look(SOCK), NOTHING_THERE, moment(3))
    dispatcher.silent("w")
    dispatcher.met(hello("other"), moment(3))
    dispatcher.tick(moment(2 + LEASE_SECONDS))
    assert begins(dispatcher.place(moment(2 + LEASE_SECONDS))) == [("other", SOCK.id, 1)]


# Workers.


def test_a_worker_is_given_no_more_than_its_offer_before_it_has_counted_what_it_was_given() -> None:
    jobs = [training(n) for n in range(10, 16)]
    dispatcher = dispatcher_wanting(*jobs)
    dispatcher.met(hello("w", offer=Offer(train_rows=4)), moment(0))
    assert len(begins(dispatcher.place(moment(0)))) == 4
    dispatcher.told("w", answer(offer=Offer(train_rows=4)), moment(0.1))  # sent before the orders arrived
    assert begins(dispatcher.place(moment(0.1))) == []


def test_every_answer_renews_the_leases_of_what_is_held() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    for seconds in range(5, 120, 5):
        dispatcher.told("w", answer(holding=(held(SOCK),)), moment(seconds))
        assert dispatcher.tick(moment(seconds)) == []
    assert state(dispatcher, SOCK) is JobState.LEASED


def test_a_silent_worker_loses_its_lease_after_thirty_seconds_and_another_goes_on() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.silent("w")
    dispatcher.met(hello("other"), moment(1))
    assert dispatcher.tick(moment(LEASE_SECONDS - 0.1)) == []
    [lost] = dispatcher.tick(moment(LEASE_SECONDS))
    assert isinstance(lost, RecordFailure)
    assert (lost.job, lost.attempt, lost.trouble.reason) == (SOCK.id, 1, "WorkerLost")
    assert begins(dispatcher.place(moment(LEASE_SECONDS))) == [("other", SOCK.id, 2)]


def test_an_answer_without_the_job_does_not_renew_its_lease() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.told("w", answer(), moment(LEASE_SECONDS - 1))
    assert len(dispatcher.tick(moment(LEASE_SECONDS))) == 1


def test_a_worker_that_is_gone_loses_its_leases_at_once() -> None:
    dispatcher = dispatcher_working_on(SOCK, MUG)
    assert {one.job for one in dispatcher.gone("w", moment(1)) if isinstance(one, RecordFailure)} == {SOCK.id, MUG.id}
    assert state(dispatcher, SOCK) is JobState.WAITING


@pytest.mark.parametrize("by_answer", [True, False])
def test_a_new_process_of_the_same_name_holds_nothing_of_the_old(by_answer: bool) -> None:
    dispatcher = dispatcher_working_on(SOCK)
    if by_answer:
        dispatcher.told("w", answer(incarnation="second"), moment(1))
        assert dispatcher.heard_of("w") is None
    dispatcher.met(hello("w", incarnation="second"), moment(1))
    assert begins(dispatcher.place(moment(1))) == [("w", SOCK.id, 2)]


def test_a_worker_that_thaws_is_taken_back_where_nobody_else_has_its_job() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.silent("w")
    dispatcher.tick(moment(40))
    room_for_more = Offer(base="base-a", train_rows=3)
    assert dispatcher.met(hello("w", held(SOCK), offer=room_for_more), moment(41)) == []
    assert dispatcher.entry(SOCK.id).lease is not None
    assert dispatcher.place(moment(41)) == []


def test_a_worker_that_thaws_is_stopped_where_another_has_its_job() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.silent("w")
    dispatcher.met(hello("other"), moment(1))
    dispatcher.tick(moment(40))
    dispatcher.place(moment(40))
    assert dispatcher.met(hello("w", held(SOCK)), moment(41)) == [Stop("w", SOCK.id, at_checkpoint=False)]
    assert dispatcher.told("w", answer(holding=(held(SOCK),)), moment(42)) == []  # it was told


def test_a_begin_that_did_not_arrive_costs_no_attempt_of_the_three() -> None:
    dispatcher = dispatcher_wanting(SOCK)
    for attempt in range(1, 6):
        dispatcher.met(hello("w"), moment(attempt))
        [begin] = dispatcher.place(moment(attempt))
        assert isinstance(begin, Begin)
        assert dispatcher.stands(begin)
        dispatcher.refused(begin, moment(attempt))
        assert not dispatcher.stands(begin)
    assert state(dispatcher, SOCK) is JobState.WAITING
    assert dispatcher.place(moment(10)) == []  # a worker that does not answer gets nothing


def test_when_the_dispatcher_itself_was_held_up_no_worker_is_blamed() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.excuse(100)
    assert dispatcher.tick(moment(100)) == []


# A new dispatcher.


def test_a_new_dispatcher_takes_over_the_work_of_living_workers() -> None:
    dispatcher = Dispatcher()
    dispatcher.met(hello("w", held(SOCK, attempt=2)), moment(0))
    assert dispatcher.want("owner", wanted(SOCK), moment(1)) == [Look(SOCK)]
    lease = dispatcher.entry(SOCK.id).lease
    assert lease is not None
    assert (lease.worker, lease.attempt) == ("w", 2)
    dispatcher.looked(Look(SOCK), Found(record=False, attempt=1, strikes=1, trouble=TRYING_AGAIN_HELPS), moment(1))
    assert dispatcher.place(moment(1)) == []


def test_work_that_nobody_asks_for_goes_on_until_all_owners_have_had_time_to_speak() -> None:
    dispatcher = Dispatcher()
    holding = (held(SOCK),)
    dispatcher.met(hello("w", *holding), moment(0))
    assert dispatcher.told("w", answer(holding=holding), moment(1000)) == []  # the controller may be away for long
    dispatcher.want("owner", wanted(MUG), moment(1000))
    assert dispatcher.told("w", answer(holding=holding), moment(1000 + STRANGER_SECONDS)) == []
    stops = dispatcher.told("w", answer(holding=holding), moment(1001 + STRANGER_SECONDS))
    assert stops == [Stop("w", SOCK.id, at_checkpoint=True)]


def test_a_new_dispatcher_counts_the_attempts_that_the_store_knows_of() -> None:
    dispatcher = Dispatcher()
    dispatcher.met(hello("w"), moment(0))
    dispatcher.want("owner", wanted(SOCK, MUG), moment(0))
    twice = Found(record=False, attempt=2, strikes=2, trouble=TRYING_AGAIN_HELPS)
    dispatcher.looked(Look(SOCK), twice, moment(0))
    dispatcher.looked(Look(MUG), Found(record=False, attempt=3, strikes=3, trouble=TRYING_AGAIN_HELPS), moment(0))
    assert state(dispatcher, MUG) is JobState.FAILED
    assert begins(dispatcher.place(moment(0))) == [("w", SOCK.id, 3)]


# Ends.


def test_finished_is_believed_when_the_store_has_the_record() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    finished = event(1, SOCK, EventKind.FINISHED)
    assert dispatcher.told("w", answer(finished), moment(1)) == [Look(SOCK, finished_attempt=1)]
    assert state(dispatcher, SOCK) is JobState.LEASED
    assert "the store is being asked" in why(dispatcher, SOCK)
    assert dispatcher.tick(moment(1000)) == []  # however long the store may take
    dispatcher.looked(Look(SOCK, 1), Found(record=True), moment(1000))
    assert state(dispatcher, SOCK) is JobState.DONE


def test_finished_without_a_record_is_a_failed_attempt() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.told("w", answer(event(1, SOCK, EventKind.FINISHED)), moment(1))
    [failure] = dispatcher.looked(Look(SOCK, 1), NOTHING_THERE, moment(2))
    assert isinstance(failure, RecordFailure)
    assert failure.trouble.reason == "RecordMissing"
    assert state(dispatcher, SOCK) is JobState.WAITING


def test_what_a_worker_thought_lost_has_finished_counts_and_its_successor_is_stopped() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.silent("w")
    dispatcher.met(hello("other"), moment(1))
    dispatcher.tick(moment(40))
    dispatcher.place(moment(40))
    looks = dispatcher.told("w", answer(event(1, SOCK, EventKind.FINISHED)), moment(41))
    assert looks == [Look(SOCK, finished_attempt=1)]
    assert dispatcher.looked(Look(SOCK, 1), Found(record=True), moment(42)) == [Stop("other", SOCK.id, False)]
    assert state(dispatcher, SOCK) is JobState.DONE


def test_a_late_look_does_not_fail_an_attempt_it_was_not_about() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.told("w", answer(event(1, SOCK, EventKind.FINISHED)), moment(1))
    assert dispatcher.looked(Look(SOCK, 7), NOTHING_THERE, moment(2)) == []
    assert dispatcher.looked(Look(SOCK), NOTHING_THERE, moment(2)) == []
    assert state(dispatcher, SOCK) is JobState.LEASED


def test_news_of_an_attempt_that_was_lost_do_not_end_the_next_one_on_the_same_worker() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.silent("w")
    dispatcher.tick(moment(40))
    dispatcher.met(hello("w"), moment(41))
    assert begins(dispatcher.place(moment(41))) == [("w", SOCK.id, 2)]
    failed = event(1, SOCK, EventKind.FAILED, attempt=1, trouble=TRYING_AGAIN_IS_VAIN)
    assert dispatcher.told("w", answer(failed), moment(42)) == [RecordFailure(SOCK.id, 1, TRYING_AGAIN_IS_VAIN)]
    assert state(dispatcher, SOCK) is JobState.LEASED


def test_a_second_holder_is_stopped_only_when_the_record_is_seen() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.met(hello("thawed"), moment(1))
    dispatcher.told("w", answer(event(1, SOCK, EventKind.FINISHED)), moment(2))
    both = answer(holding=(held(SOCK),))
    assert dispatcher.told("thawed", both, moment(3)) == []
    dispatcher.looked(Look(SOCK, 1), Found(record=True), moment(4))
    dispatcher.looked(Look(SOCK, 1), Found(record=True), moment(4))
    assert dispatcher.told("thawed", both, moment(5)) == [Stop("thawed", SOCK.id, at_checkpoint=False)]


def test_three_attempts_where_trying_again_helps_with_rests_between() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    rests = []
    for attempt, seconds in ((1, 100), (2, 200), (3, 300)):
        failed = event(attempt, SOCK, EventKind.FAILED, attempt=attempt, trouble=TRYING_AGAIN_HELPS)
        assert dispatcher.told("w", answer(failed), moment(seconds)) == [
            RecordFailure(SOCK.id, attempt, TRYING_AGAIN_HELPS)
        ]
        rests.append(dispatcher.entry(SOCK.id).rests_until - moment(seconds).steady)
        assert dispatcher.place(moment(seconds)) == []
        if attempt < attempts.ATTEMPTS:
            assert "rests after attempt" in why(dispatcher, SOCK, seconds)
            dispatcher.tick(moment(seconds + 50))
            assert begins(dispatcher.place(moment(seconds + 50))) == [("w", SOCK.id, attempt + 1)]
    assert rests[:2] == [5.0, 20.0]
    assert state(dispatcher, SOCK) is JobState.FAILED
    assert why(dispatcher, SOCK) == "It failed at attempt 3: No room."


def test_one_attempt_where_trying_again_is_vain() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    failed = event(1, SOCK, EventKind.FAILED, trouble=TRYING_AGAIN_IS_VAIN)
    assert dispatcher.told("w", answer(failed), moment(1)) == [RecordFailure(SOCK.id, 1, TRYING_AGAIN_IS_VAIN)]
    assert state(dispatcher, SOCK) is JobState.FAILED


def test_a_job_that_keeps_losing_its_worker_without_coming_further_has_failed() -> None:
    dispatcher = dispatcher_wanting(SOCK)
    for loss in range(attempts.LOSSES):
        dispatcher.met(hello("w", incarnation=str(loss)), moment(loss))
        dispatcher.place(moment(loss))
        dispatcher.gone("w", moment(loss))
    assert state(dispatcher, SOCK) is JobState.FAILED


def test_a_training_that_comes_further_each_time_survives_any_number_of_lost_workers() -> None:
    dispatcher = dispatcher_wanting(SOCK)
    for loss in range(1, 3 * attempts.LOSSES):
        name = str(loss)
        dispatcher.met(hello(name), moment(loss))
        dispatcher.place(moment(loss))
        news = event(1, SOCK, EventKind.PROGRESS, attempt=loss, done=loss * 10, total=300)
        dispatcher.told(name, answer(news, holding=(held(SOCK, loss),)), moment(loss))
        dispatcher.gone(name, moment(loss))
    assert state(dispatcher, SOCK) is JobState.WAITING


def test_a_yielded_job_waits_again_without_a_failure() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    assert dispatcher.told("w", answer(event(1, SOCK, EventKind.YIELDED)), moment(1)) == []
    assert begins(dispatcher.place(moment(1))) == [("w", SOCK.id, 2)]


def test_a_failure_of_a_job_that_nobody_knows_is_written_down_all_the_same() -> None:
    dispatcher = Dispatcher()
    dispatcher.met(hello("w"), moment(0))
    failed = event(1, SOCK, EventKind.FAILED, attempt=2, trouble=TRYING_AGAIN_IS_VAIN)
    assert dispatcher.told("w", answer(failed), moment(1)) == [RecordFailure(SOCK.id, 2, TRYING_AGAIN_IS_VAIN)]


def test_news_told_twice_count_once() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    failed = event(1, SOCK, EventKind.FAILED, trouble=TRYING_AGAIN_HELPS)
    dispatcher.told("w", answer(failed), moment(1))
    assert dispatcher.told("w", answer(failed), moment(2)) == []
    assert dispatcher.entry(SOCK.id).strikes == 1


def test_progress_is_what_people_are_told() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    news = event(1, SOCK, EventKind.PROGRESS, done=30, total=300).model_copy(update={"facts": {"loss": 0.1}})
    dispatcher.told("w", answer(news, holding=(held(SOCK),)), moment(1))
    report = Reporting(dispatcher.book, moment(1)).job(dispatcher.entry(SOCK.id))
    assert (report.state, report.done, report.total, report.facts) == ("leased", 30, 300, {"loss": 0.1})
    assert (report.worker, report.attempt, report.waiting_for) == ("w", 1, "")


# Retries.


def test_a_retry_grants_three_new_attempts_and_is_written_down() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.told("w", answer(event(1, SOCK, EventKind.FAILED, trouble=TRYING_AGAIN_IS_VAIN)), moment(1))
    assert dispatcher.retry(SOCK.id, moment(2)) == [RecordRetry(SOCK.id, 1)]
    assert begins(dispatcher.place(moment(2))) == [("w", SOCK.id, 2)]


def test_a_retry_ends_a_rest() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.told("w", answer(event(1, SOCK, EventKind.FAILED, trouble=TRYING_AGAIN_HELPS)), moment(1))
    assert dispatcher.retry(SOCK.id, moment(2)) == []
    assert begins(dispatcher.place(moment(2))) == [("w", SOCK.id, 2)]


def test_a_retry_of_what_is_under_way_or_done_changes_nothing() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    assert dispatcher.retry(SOCK.id, moment(1)) == []
    dispatcher.looked(Look(SOCK), Found(record=True), moment(2))
    assert dispatcher.retry(SOCK.id, moment(3)) == []
    assert state(dispatcher, SOCK) is JobState.DONE


# Reports.


def test_why_tells_the_position_and_reports_do_not() -> None:
    first, second, third = (chunk(n) for n in range(3))
    dispatcher = dispatcher_wanting(first, second, third, MUG)
    dispatcher.met(hello("w", offer=Offer(intakes=1)), moment(0))
    assert why(dispatcher, third) == "The one worker that would do is full, and 2 jobs are ahead of it."
    report = Reporting(dispatcher.book, moment(1)).job(dispatcher.entry(third.id))
    assert report.waiting_for == "The one worker that would do is full."


def test_the_summary_counts_states_and_names_workers() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.want("other", wanted(MUG), moment(1))
    dispatcher.silent("w")
    summary = Reporting(dispatcher.book, moment(1)).summary(epoch=4)
    assert (summary.epoch, summary.waiting, summary.leased, summary.done, summary.failed) == (4, 1, 1, 0, 0)
    assert [(one.name, one.alive, one.jobs) for one in summary.workers] == [("w", False, (SOCK.id,))]


def test_a_failure_without_a_reason_may_be_tried_again() -> None:
    unknown: Trouble = attempts.trouble_of(event(1, SOCK, EventKind.FAILED))
    assert unknown.retryable


# A person's word.


def test_a_cancelled_job_is_stopped_at_once_and_has_failed_at_an_attempt_of_its_own() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    assert dispatcher.cancel(SOCK.id, "lead", "too dark", moment(1)) == [Stop("w", SOCK.id, False), CANCELLED]
    assert state(dispatcher, SOCK) is JobState.FAILED
    assert why(dispatcher, SOCK) == "It failed at attempt 2: It was cancelled by lead: too dark."
    assert dispatcher.cancel(SOCK.id, "lead", "too dark", moment(2)) == []


def test_a_retry_brings_a_cancelled_job_back_once_its_worker_has_let_go() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.cancel(SOCK.id, "lead", "too dark", moment(1))
    assert dispatcher.retry(SOCK.id, moment(2)) == [RecordRetry(SOCK.id, 2)]
    assert dispatcher.place(moment(2)) == []
    dispatcher.told("w", answer(), moment(3))
    assert begins(dispatcher.place(moment(3))) == [("w", SOCK.id, 3)]


def test_what_is_done_cannot_be_cancelled() -> None:
    dispatcher = dispatcher_working_on(SOCK)
    dispatcher.told("w", answer(event(1, SOCK, EventKind.FINISHED)), moment(1))
    assert dispatcher.cancel(SOCK.id, "lead", "too late", moment(2)) == []
    dispatcher.looked(Look(SOCK, 1), Found(record=True), moment(3))
    assert state(dispatcher, SOCK) is JobState.DONE


def test_a_word_waits_for_the_stores_answer_and_then_counts() -> None:
    dispatcher = Dispatcher()
    dispatcher.want("owner", wanted(SOCK), moment(0))
    assert dispatcher.cancel(SOCK.id, "lead", "too dark", moment(1)) == []
    found = Found(record=False, attempt=1, strikes=1, trouble=TRYING_AGAIN_HELPS)
    assert dispatcher.looked(Look(SOCK), found, moment(2)) == [CANCELLED]
    assert state(dispatcher, SOCK) is JobState.FAILED


def test_a_new_dispatcher_stops_a_worker_that_never_heard_that_its_job_was_cancelled() -> None:
    dispatcher = Dispatcher()
    dispatcher.met(hello("w", held(SOCK)), moment(0))
    dispatcher.want("owner", wanted(SOCK), moment(0))
    assert state(dispatcher, SOCK) is JobState.LEASED
    found = Found(record=False, attempt=2, strikes=1, trouble=CANCELLED.trouble)
    assert dispatcher.looked(Look(SOCK), found, moment(1)) == [Stop("w", SOCK.id, at_checkpoint=False)]
    assert state(dispatcher, SOCK) is JobState.FAILED


def test_a_failure_says_when_it_was_and_what_it_took_of_its_worker() -> None:
    dispatcher = dispatcher_working_on(SOCK, MUG)
    both = answer(event(1, SOCK, EventKind.FAILED, trouble=TRYING_AGAIN_IS_VAIN), holding=(held(MUG),))
    (failure,) = dispatcher.told("w", both, moment(60))
    assert isinstance(failure, RecordFailure)
    assert (failure.at, failure.seconds) == (moment(60).wall, 30.0)


def test_a_waiting_training_is_told_what_fills_the_rows_and_when_one_should_be_free() -> None:
    dispatcher = dispatcher_working_on(SOCK, MUG, training(3), training(4))
    late = training(5)
    dispatcher.want("late", wanted(late), moment(0))
    dispatcher.looked(Look(late), NOTHING_THERE, moment(0))
    full = Offer(base="base-a", train_rows=0, chunks=2, intakes=1)
    for number, done in ((1, 0), (2, 100)):
        news = event(number, SOCK, EventKind.PROGRESS, done=done, total=300)
        dispatcher.told("w", answer(news, offer=full, holding=(held(SOCK), held(MUG))), moment(number * 60))
    assert why(dispatcher, late, 120) == (
        "The one worker that would do is full; it is next. 4 trainings are under way there: 3 of studio/socks, 1 of "
        "studio/mugs. The first should be over in 2 min."
    )
