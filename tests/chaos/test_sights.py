"""How recovery is measured: by what an onlooker saw, from the fault until all that was under way has gone on."""

from __future__ import annotations

from cluster.ports import JobReport
from tests.chaos.sights import Fault, Sight, recovery_seconds


def leased(done: int, attempt: int = 1, worker: str = "a") -> JobReport:
    return JobReport(state="leased", done=done, attempt=attempt, worker=worker)


DONE = JobReport(state="done", done=8)


def test_work_goes_on_when_every_job_that_was_under_way_has_come_further():
    history = [
        Sight(1.0, {"x": leased(3), "y": leased(5)}),
        Sight(3.0, {"x": leased(3), "y": leased(6)}),
        Sight(4.0, {"x": leased(4), "y": leased(6)}),
    ]
    assert recovery_seconds(history, Fault(2.0)) == 2.0


def test_a_lost_workers_job_goes_on_in_a_new_attempt_only():
    history = [
        Sight(1.0, {"x": leased(3), "y": leased(1, worker="b")}),
        Sight(3.0, {"x": leased(4), "y": leased(1, worker="b")}),
        Sight(4.0, {"x": leased(5, attempt=2, worker="b")}),
    ]
    assert recovery_seconds(history, Fault(2.0, lost="a")) == 2.0


def test_a_new_dispatcher_that_knows_nothing_yet_is_no_recovery():
    history = [Sight(1.0, {"x": leased(3)}), Sight(3.0), Sight(4.0, {"x": leased(0)}), Sight(5.0, {"x": DONE})]
    assert recovery_seconds(history, Fault(2.0)) == 3.0


def test_a_dispatcher_that_did_not_answer_at_the_fault_is_judged_by_its_last_answer():
    history = [Sight(1.0, {"x": leased(3)}), Sight(1.5), Sight(3.0, {"x": leased(3)}), Sight(4.0, {"x": leased(4)})]
    assert recovery_seconds(history, Fault(2.0)) == 2.0


def test_where_nothing_was_under_way_any_beginning_counts():
    history = [Sight(1.0, {"x": DONE}), Sight(3.0, {"x": DONE}), Sight(4.0, {"x": DONE, "y": leased(1)})]
    assert recovery_seconds(history, Fault(2.0)) == 2.0


def test_a_controller_that_is_waited_for_must_write_again():
    history = [Sight(1.0, {"x": leased(3)}, 7), Sight(3.0, {"x": leased(4)}, 7), Sight(4.0, {"x": leased(5)}, 8)]
    assert recovery_seconds(history, Fault(2.0, waits_for_controller=True)) == 2.0
    assert recovery_seconds(history, Fault(2.0)) == 1.0


def test_the_last_words_of_a_dispatcher_that_goes_down_are_no_recovery():
    history = [
        Sight(1.0, {"x": leased(3)}, epoch=1),
        Sight(2.1, {"x": leased(4)}, epoch=1),
        Sight(3.0),
        Sight(9.0, {"x": leased(4)}, epoch=2),
    ]
    assert recovery_seconds(history, Fault(2.0, waits_for_dispatcher=True)) == 7.0


def test_what_never_went_on_has_no_time():
    assert recovery_seconds([Sight(1.0, {"x": leased(3)}), Sight(9.0, {"x": leased(3)})], Fault(2.0)) is None


def test_a_job_whose_record_was_found_meanwhile_is_followed_by_what_comes_after_it():
    brands = frozenset({"socks", "mugs"})
    history = [
        Sight(1.0, {"intake": leased(2), "training": leased(5)}, epoch=1, owners=brands),
        Sight(3.0, {"training": leased(6)}, epoch=2, owners=frozenset({"mugs"})),
        Sight(4.0, {"training": leased(7), "next": leased(0)}, epoch=2, owners=brands),
        Sight(5.0, {"training": leased(7), "next": leased(1)}, epoch=2, owners=brands),
    ]
    assert recovery_seconds(history, Fault(2.0, waits_for_dispatcher=True)) == 3.0


def test_a_manifest_that_the_new_dispatcher_has_not_heard_of_has_not_moved_on():
    history = [
        Sight(1.0, {"x": leased(2), "y": leased(5)}, epoch=1, owners=frozenset({"a", "b"})),
        Sight(3.0, {"y": leased(6), "z": leased(1)}, epoch=2, owners=frozenset({"b"})),
    ]
    assert recovery_seconds(history, Fault(2.0, waits_for_dispatcher=True)) is None
