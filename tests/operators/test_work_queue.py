"""The order in which manifests are looked at."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

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


class SlowQueue:
    """What the queue means, in the plainest words: it looks at every key each time."""

    def __init__(self) -> None:
        self.due: dict[str, float] = {}
        self.busy: set[str] = set()

    def add(self, key: str, at: float) -> None:
        self.due[key] = min(at, self.due.get(key, at))

    def take(self, now: float) -> str | None:
        ready = [key for key, at in self.due.items() if at <= now and key not in self.busy]
        if not ready:
            return None
        key = min(ready, key=lambda one: self.due[one])
        del self.due[key]
        self.busy.add(key)
        return key

    def next_due(self) -> float | None:
        return min((at for key, at in self.due.items() if key not in self.busy), default=None)


KEYS = st.sampled_from("abcdef")
STEPS = st.one_of(
    st.tuples(st.just("add"), KEYS, st.integers(0, 9)),
    st.tuples(st.just("take"), st.integers(0, 9)),
    st.tuples(st.just("done"), KEYS),
    st.tuples(st.just("failed"), KEYS, st.integers(0, 9)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=200))
def test_it_means_what_looking_at_every_key_would_mean(steps: list[tuple[Any, ...]]) -> None:
    queue, slow = WorkQueue[str](), SlowQueue()
    for kind, *given_ in steps:
        if kind == "add":
            queue.add(*given_)
            slow.add(*given_)
        elif kind == "take":
            assert queue.take(*given_) == slow.take(*given_)
        else:
            key, *now = given_
            slow.busy.discard(key)
            if kind == "done":
                queue.done(key)
            else:
                slow.add(key, now[0] + queue.failed(key, now[0]))
        assert (queue.next_due(), len(queue)) == (slow.next_due(), len(slow.due))


def test_keys_that_are_put_forward_again_and_again_leave_nothing_behind() -> None:
    queue = WorkQueue[int]()
    for turn in range(20_000):
        queue.add(turn % 10, at=10**9)
        queue.add(turn % 10, at=turn)
        assert queue.take(now=turn) == turn % 10
        queue.done(turn % 10)
    assert len(queue._heap) < 200
