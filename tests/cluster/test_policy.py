"""Who is next, and where: a table for each rule."""

from __future__ import annotations

import time

import pytest

from cluster import policy
from cluster.policy import Room
from cluster.ports import Offer
from cluster.queue import Queue, Shape, shape_of
from cluster.shares import MEMORY_SECONDS, Shares
from jobs.spec import JobKind, Priority
from tests.cluster.dispatching import ROOMY, chunk, intake, moment, shape, training

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def before(
    one: Shape, other: Shape, *, shares: tuple[float, float] = (0.0, 0.0), since: tuple[float, float] = (0, 0)
) -> bool:
    """Whether one shape's turn comes before another's at `moment(200)`, where only base-a is resident."""
    at = moment(200)
    turns = [
        policy.turn(shape, moment(waiting).steady, share, shape.base == "base-a", at)
        for shape, share, waiting in zip((one, other), shares, since, strict=True)
    ]
    return turns[0] < turns[1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(shape(priority=Priority.HIGH), shape(), id="high before normal"),
        pytest.param(shape(), shape(priority=Priority.LOW), id="normal before low"),
        pytest.param(
            shape(priority=Priority.HIGH), shape(deadline_in=10 * MINUTE), id="priority before the nearest deadline"
        ),
        pytest.param(shape(deadline_in=10 * MINUTE), shape(deadline_in=30 * MINUTE), id="the nearer deadline"),
        pytest.param(shape(deadline_in=-HOUR), shape(deadline_in=HOUR), id="overdue before due"),
        pytest.param(shape(deadline_in=5 * HOUR), shape(), id="due today before without deadline"),
    ],
)
def test_priority_comes_before_deadlines_and_deadlines_before_none(first: Shape, second: Shape) -> None:
    assert before(first, second)
    assert not before(second, first)


def test_a_deadline_weeks_away_does_not_outrank_a_project_that_has_nothing() -> None:
    greedy, modest = shape(deadline_in=20 * DAY, project="greedy"), shape(project="modest")
    assert before(modest, greedy, shares=(0.0, 3.0))


def test_the_project_with_fewer_leases_comes_first_even_if_it_came_later() -> None:
    assert before(shape(project="small"), shape(project="large"), shares=(1.0, 4.0), since=(190, 0))


def test_a_resident_base_comes_before_age_between_equal_shares() -> None:
    assert before(shape(base="base-a"), shape(base="base-b"), since=(190, 180))


def test_nobody_is_passed_over_for_a_resident_base_longer_than_the_patience() -> None:
    waited_long = 200 - policy.RESIDENCY_PATIENCE_SECONDS - 1
    assert before(shape(base="base-b"), shape(base="base-a"), since=(waited_long, 190))


def test_among_equals_the_oldest_comes_first() -> None:
    assert before(shape(), shape(), since=(10, 20))


def test_a_share_counts_leases_at_once_and_forgives_them_slowly() -> None:
    shares = Shares()
    shares.begin("socks", 0.0)
    assert shares.of("socks", 0.0) == 1.0
    assert shares.of("socks", MEMORY_SECONDS) == pytest.approx(1.0 + 0.632, abs=0.001)
    shares.end("socks", MEMORY_SECONDS)
    assert shares.of("socks", MEMORY_SECONDS) == pytest.approx(0.632, abs=0.001)
    assert shares.of("socks", 2 * MEMORY_SECONDS) == pytest.approx(0.233, abs=0.001)


def test_a_project_long_without_leases_is_forgotten() -> None:
    shares = Shares()
    shares.begin("socks", 0.0)
    shares.end("socks", 60.0)
    shares.forget_old(20 * MEMORY_SECONDS)
    assert shares.of("socks", 20 * MEMORY_SECONDS) == 0.0


def room(worker: str = "w", *, offer: Offer = ROOMY, holds: int = 0, is_bound: bool = False) -> Room:
    """A worker's room."""
    made = policy.room_of(worker, offer)
    made.holds, made.is_bound = holds, is_bound
    return made


@pytest.mark.parametrize(
    ("asked", "offer", "is_bound", "expected"),
    [
        pytest.param(shape(), Offer(train_rows=1), False, True, id="a free row"),
        pytest.param(shape(), Offer(chunks=3, intakes=1), False, False, id="no free row"),
        pytest.param(shape(kind=JobKind.GENERATE), Offer(chunks=1), False, True, id="a free chunk"),
        pytest.param(shape(kind=JobKind.GENERATE), Offer(train_rows=4), False, False, id="no free chunk"),
        pytest.param(shape(kind=JobKind.INTAKE, base=""), Offer(intakes=1), True, True, id="intake needs no base"),
        pytest.param(shape(gpu_classes=("a100",)), Offer(train_rows=1), False, False, id="another GPU class"),
        pytest.param(
            shape(gpu_classes=("h100", "a100")),
            Offer(train_rows=1, gpu_class="a100"),
            False,
            True,
            id="one of two classes",
        ),
        pytest.param(shape(), Offer(base="base-a", train_rows=1), True, True, id="fused beside work on its base"),
        pytest.param(shape(), Offer(base="base-b", train_rows=1), True, False, id="another base is at work"),
        pytest.param(shape(), Offer(base="base-b", train_rows=1), False, True, id="another base is idle"),
    ],
)
def test_a_job_fits_where_there_is_room_its_gpu_and_its_base(
    asked: Shape, offer: Offer, is_bound: bool, expected: bool
) -> None:
    assert policy.fits(asked, room(offer=offer, is_bound=is_bound)) is expected


@pytest.mark.parametrize(
    ("rooms", "chosen"),
    [
        pytest.param(
            [room("idle"), room("resident", offer=Offer(base="base-a", train_rows=3), holds=1, is_bound=True)],
            "resident",
            id="trainings fuse where their base is resident",
        ),
        pytest.param(
            [room("other", offer=Offer(base="base-b", train_rows=4)), room("empty")], "empty", id="load before replace"
        ),
        pytest.param([room("full", holds=3), room("freer", holds=1)], "freer", id="the one that holds least"),
        pytest.param([room("b"), room("a")], "a", id="the first by name"),
    ],
)
def test_the_room_that_suits_best_is_chosen(rooms: list[Room], chosen: str) -> None:
    best = policy.best_room(shape(), rooms)
    assert best is not None
    assert best.worker == chosen


def queue_of(*waiting: tuple[str, Shape, float]) -> Queue:
    """A queue of jobs by name, shape and second since when they wait."""
    queue = Queue()
    for job, of, since in waiting:
        queue.add(job, of, moment(since).steady)
    return queue


def placed(
    queue: Queue, rooms: list[Room], seconds: float = 100.0, shares: Shares | None = None
) -> list[tuple[str, str]]:
    """What one cycle places."""
    return [tuple(one) for one in policy.place(queue, rooms, shares or Shares(), moment(seconds))]


def test_two_projects_take_turns_though_one_came_first_with_many_jobs() -> None:
    large = [(f"large-{n}", shape(project="large"), 0.0) for n in range(4)]
    small = [(f"small-{n}", shape(project="small"), 50.0) for n in range(2)]
    jobs = [job for job, _ in placed(queue_of(*large, *small), [room()])]
    assert jobs == ["large-0", "small-0", "large-1", "small-1"]


def test_a_job_that_fits_nowhere_does_not_hold_up_those_behind_it() -> None:
    queue = queue_of(("picky", shape(gpu_classes=("a100",)), 0.0), ("easy", shape(), 1.0))
    assert placed(queue, [room()]) == [("easy", "w")]
    assert "picky" in queue


def test_what_a_cycle_gives_is_taken_from_the_room() -> None:
    queue = queue_of(*[(f"job-{n}", shape(), float(n)) for n in range(9)])
    assert placed(queue, [room("a"), room("b")]) == [
        ("job-0", "a"), ("job-1", "a"), ("job-2", "a"), ("job-3", "a"),
        ("job-4", "b"), ("job-5", "b"), ("job-6", "b"), ("job-7", "b"),
    ]  # fmt: skip
    assert len(queue) == 1


def test_a_stream_of_work_on_one_base_does_not_shut_out_another_for_ever() -> None:
    other = ("other", shape(base="base-b"), 0.0)
    stream = [("next", shape(base="base-a", project="stream"), 300.0)]
    busy = room(offer=Offer(base="base-a", train_rows=2), holds=2, is_bound=True)
    assert placed(queue_of(other, *stream), [busy], seconds=100.0) == [("next", "w")]

    queue = queue_of(other, *stream)
    busy = room(offer=Offer(base="base-a", train_rows=2), holds=2, is_bound=True)
    assert placed(queue, [busy], seconds=301.0) == []
    assert placed(queue, [room(offer=Offer(base="base-a", train_rows=4))], seconds=302.0) == [("other", "w")]


def test_a_saved_room_still_takes_what_needs_no_base() -> None:
    queue = queue_of(("other", shape(base="base-b"), 0.0), ("intake", shape(kind=JobKind.INTAKE, base=""), 300.0))
    busy = room(offer=Offer(base="base-a", train_rows=2, intakes=1), holds=2, is_bound=True)
    assert placed(queue, [busy], seconds=301.0) == [("intake", "w")]


@pytest.mark.parametrize(
    ("asked", "rooms", "ahead", "sentence"),
    [
        pytest.param(shape(), [], None, "No worker is there.", id="nobody"),
        pytest.param(
            shape(gpu_classes=("a100",)),
            [room()],
            None,
            "No worker has a GPU of class a100; those there are of class cpu.",
            id="no such GPU",
        ),
        pytest.param(
            shape(),
            [room(offer=Offer(base="base-b", train_rows=2), is_bound=True)],
            None,
            "The one worker that would do is busy with another base model.",
            id="another base",
        ),
        pytest.param(
            shape(), [room("a", offer=Offer(), holds=1), room("b", offer=Offer())], 12,
            "All 2 workers that would do are full, and 12 jobs are ahead of it.", id="full, and a queue",
        ),
        pytest.param(
            shape(), [room(offer=Offer(), holds=1)], 1,
            "The one worker that would do is full, and 1 job is ahead of it.", id="one ahead",
        ),
        pytest.param(shape(), [room(offer=Offer(), holds=1)], 0, "The one worker that would do is full; it is next.", id="next"),
        pytest.param(
            shape(), [room(offer=Offer())], 0, "The one worker that would do is still starting; it is next.", id="starting"
        ),
        pytest.param(shape(), [room()], 3, "A worker has room, and it is about to begin.", id="about to begin"),
    ],
)  # fmt: skip
def test_why_a_job_waits_is_one_sentence_with_the_gravest_reason(
    asked: Shape, rooms: list[Room], ahead: int | None, sentence: str
) -> None:
    assert policy.why_waiting(asked, rooms, ahead) == sentence


def test_jobs_of_one_shape_share_a_line_and_others_do_not() -> None:
    assert shape_of(training(1), "p") == shape_of(training(2), "p")
    assert len({shape_of(job, "p") for job in (training(1), chunk(1), intake(1), training(1, base="base-b"))}) == 4


def test_a_line_serves_the_oldest_whatever_the_order_in_which_they_came_and_left() -> None:
    queue = queue_of(("c", shape(), 3.0), ("a", shape(), 1.0), ("b", shape(), 2.0), ("x", shape(), 0.0))
    queue.remove("x")
    queue.remove("x")
    assert queue.ahead_in_line("c") == 2
    assert queue.since(shape()) == moment(1.0).steady
    assert [queue.pop(shape()) for _ in range(3)] == ["a", "b", "c"]
    assert len(queue) == 0
    assert list(queue.shapes()) == []


def test_a_cycle_over_ten_thousand_jobs_of_fifty_shapes_is_quick() -> None:
    shapes = [shape(project=f"project-{n % 25}", deadline_in=None if n % 2 else 7 * HOUR) for n in range(50)]
    queue = queue_of(*[(f"job-{n}", shapes[n % 50], float(n)) for n in range(10_000)])
    rooms = [room(f"w{n}") for n in range(64)]
    began = time.process_time()
    assert len(placed(queue, rooms)) == policy.PLACEMENTS_PER_CYCLE == 64 * 4
    assert time.process_time() - began < 0.2
