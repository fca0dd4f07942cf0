"""The order in which manifests are looked at."""

from __future__ import annotations

from operators.work_queue import LONGEST_BACK_OFF_SECONDS, WorkQueue


def test_a_key_waits_once_however_often_it_is_added() -> None:
    queue = WorkQueue[str]()
    for _ in range(3):
        queue.add("socks", at=0)
    assert len(queue) == 1
    assert [queue.take(now=1), queue.take(now=1)] == ["socks", None]


def test_the_earliest_due_comes_first() -> None:
    queue = WorkQueue[str]()
    queue.add("late", at=3)
    queue.add("early", at=1)
    queue.add("late", at=2)
    assert queue.next_due() == 1
    assert [queue.take(now=2), queue.take(now=2)] == ["early", "late"]


def test_a_key_is_worked_on_by_one_at_a_time() -> None:
    queue = WorkQueue[str]()
    queue.add("socks", at=0)
    assert queue.take(now=0) == "socks"
    queue.add("socks", at=0)
    assert queue.take(now=5) is None
    assert queue.next_due() is None
    queue.done("socks")
    assert queue.take(now=5) == "socks"


def test_a_failing_key_comes_back_later_each_time_and_starts_anew_after_a_success() -> None:
    queue = WorkQueue[str]()
    queue.add("socks", at=0)
    delays = []
    for _ in range(12):
        due = queue.next_due()
        assert due is not None
        assert queue.take(now=due) == "socks"
        delays.append(queue.failed("socks", now=due))
    assert delays[:4] == [0.5, 1, 2, 4]
    assert delays[-1] == LONGEST_BACK_OFF_SECONDS
    assert queue.is_failing("socks")
    queue.take(now=10_000)
    queue.done("socks")
    assert not queue.is_failing("socks")
    queue.add("socks", at=0)
    queue.take(now=0)
    assert queue.failed("socks", now=0) == 0.5


def test_what_comes_back_by_itself_is_tried_again_sooner() -> None:
    queue = WorkQueue[str]()
    for _ in range(9):
        seconds = queue.failed("socks", now=0, longest_seconds=10)
    assert seconds == 10


def test_a_change_brings_a_failing_key_back_at_once() -> None:
    queue = WorkQueue[str]()
    queue.add("socks", at=0)
    queue.take(now=0)
    queue.failed("socks", now=0)
    queue.add("socks", at=0.1)
    assert queue.take(now=0.1) == "socks"
