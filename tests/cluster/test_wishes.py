"""How many workers are wished for: enough for what waits, never beyond what the groups allow, given back late and only when idle."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cluster.book import Book
from cluster.entries import Entry, WorkerEntry
from cluster.ports import EventKind, Held, Offer
from cluster.wishes import REFRESH_SECONDS, SETTLING_SECONDS, Group, Patience, Wishes
from jobs.spec import Job
from tests.cluster.dispatching import answer, chunk, event, intake, moment, training

GROUPS = {"small": Group(max=4), "big": Group(max=2, gpu=2, gpu_class="h100")}
PATIENCE = Patience(clear=600.0, keep=300.0, idle=60.0)
SETTLED = SETTLING_SECONDS


def book_of(*jobs: Job, since: float = 0.0) -> Book:
    """A book in which jobs wait since a moment."""
    book = Book()
    for job in jobs:
        entry = Entry(job.id, moment(since).steady, {"owner": job}, is_looked_up=True)
        book.jobs[job.id] = entry
        book.line_up(entry, moment(since))
    return book


def with_worker(book: Book, name: str, *leased: Job, gpu_class: str = "small", base: str = "") -> Book:
    """A worker that is there, and holds jobs."""
    worker = WorkerEntry(name, "first", Offer(gpu_class=gpu_class, base=base))
    book.workers[name] = worker
    for job in leased:
        entry = Entry(job.id, moment(0).steady, {"owner": job}, is_looked_up=True)
        book.jobs[job.id] = entry
        book.grant(entry, worker, 1, moment(0))
    return book


def settled(**groups: Group) -> Wishes:
    """Wishes of a dispatcher that has been there for a while."""
    wishes = Wishes(groups or GROUPS, PATIENCE)
    wishes.decide(Book(), moment(-2 * SETTLED))
    return wishes


def wish(book: Book, at: float = 0.0, **groups: Group) -> dict[str, int]:
    decision = settled(**groups).decide(book, moment(at))
    assert decision is not None
    return decision.wish


def test_nothing_waits_and_nothing_is_wished_for():
    assert wish(book_of()) == {"small": 0, "h100": 0}


def test_one_job_wishes_for_one_worker_and_many_for_as_many_as_are_through_in_time():
    assert wish(book_of(training(1)))["small"] == 1
    assert wish(book_of(*(training(number) for number in range(6))))["small"] == 3  # 6 x 300 s in 600 s


def test_what_is_due_soon_wishes_for_more_at_once():
    due = moment(0).wall + 300
    assert wish(book_of(*(training(number, deadline=due) for number in range(4))))["small"] == 4


def test_what_one_class_cannot_do_in_time_goes_to_the_next():
    assert wish(book_of(*(training(number) for number in range(100)))) == {"small": 4, "h100": 4}


def test_a_job_of_a_class_wishes_for_that_class_alone():
    jobs = [training(number, gpu_classes=("h100",)) for number in range(100)]
    assert wish(book_of(*jobs)) == {"small": 0, "h100": 4}


def test_a_class_that_no_group_has_is_not_wished_for():
    assert wish(book_of(training(1, gpu_classes=("tpu",)))) == {"small": 0, "h100": 0}


def test_a_group_keeps_its_least():
    assert wish(book_of(), only=Group(max=3, min=2, gpu=2)) == {"only": 4}


def test_busy_workers_stay_and_count_with_what_they_have_before_them():
    book = with_worker(book_of(training(9)), "one", *(training(number) for number in range(8)))
    assert wish(book)["small"] == 2


def test_a_base_that_nobody_has_gets_a_worker_once_it_was_passed_over_long():
    book = with_worker(book_of(intake(2), chunk(1, base="rare")), "one", chunk(3), base="base-a")
    assert wish(book, at=60.0)["small"] == 1
    assert wish(book, at=130.0)["small"] >= 2


def test_what_jobs_cost_is_learnt_from_those_that_finish():
    wishes = settled(small=Group(max=100))
    jobs = [training(number) for number in range(100, 104)]
    book = with_worker(book_of(*jobs), "one", training(1))
    assert wishes.decide(book, moment(0)).wish == {"small": 3}
    for _ in range(20):
        news = event(1, training(1), EventKind.FINISHED)
        wishes.told("one", answer(news), book, moment(1800.0))
    assert wishes.decide(book, moment(1800.0)).wish == {"small": 5}


def test_workers_are_kept_for_a_while_after_they_were_needed_last():
    wishes, book = settled(), book_of(*(training(number) for number in range(6)))
    assert wishes.decide(book, moment(0)).wish["small"] == 3
    assert wishes.decide(book, moment(100)).wish["small"] == 3
    assert wishes.decide(book_of(), moment(399)).wish["small"] == 3
    assert wishes.decide(book_of(), moment(401)).wish["small"] == 0


def test_a_dispatcher_that_knows_of_no_work_yet_wishes_nothing():
    wishes = Wishes(GROUPS, PATIENCE)
    assert wishes.decide(Book(), moment(0)) is None
    assert wishes.decide(Book(), moment(SETTLED)) is not None


def test_a_new_dispatcher_gives_back_nothing_before_it_can_know_why_it_is_there():
    wishes = Wishes(GROUPS, PATIENCE)
    book = book_of(training(1))
    for name in ("one", "two", "three"):
        with_worker(book, name)
    assert wishes.decide(book, moment(0)).wish["small"] == 3
    assert wishes.decide(book, moment(SETTLED)).release == ()


def test_without_groups_nothing_is_ever_decided():
    assert Wishes({}).decide(book_of(training(1)), moment(1e6)) is None


def test_workers_beyond_the_wish_are_given_back_those_idle_longest_first():
    wishes, book = settled(), with_worker(Book(), "old")
    assert wishes.decide(book, moment(0)).release == ()
    with_worker(book, "young")
    assert wishes.decide(book, moment(30)).release == ()
    assert wishes.decide(book, moment(61)).release == ("old",)
    del book.workers["old"]
    assert wishes.decide(book, moment(91)).release == ("young",)


def test_a_worker_that_holds_work_is_never_given_back_though_nobody_has_asked_for_it():
    wishes, book = settled(), with_worker(Book(), "one")
    book.workers["one"].held = {"j": Held(job="j", attempt=1, epoch=1)}
    for at in (0.0, 1000.0, 2000.0):
        decision = wishes.decide(book, moment(at))
        assert decision is not None
        assert (decision.release, decision.wish["small"]) == ((), 1)


def test_a_worker_of_no_group_is_let_be():
    wishes, book = settled(), with_worker(Book(), "laptop", gpu_class="cpu")
    wishes.decide(book, moment(0))
    assert wishes.decide(book, moment(1000)).release == ()


def test_only_a_class_that_lacks_workers_is_asked_for_and_that_in_all():
    wishes, jobs = settled(), [training(number) for number in range(6)]
    assert wishes.decide(with_worker(book_of(*jobs), "one"), moment(0)).ask == {"small": 3}
    book = book_of(*jobs)
    for name in ("one", "two", "three"):
        with_worker(book, name)
    assert wishes.decide(book, moment(1)).ask == {}


def test_it_asks_again_only_when_that_has_changed_or_is_long_ago():
    wishes, book = settled(), book_of(training(1))
    asked = [wishes.decide(book, moment(at)).ask for at in (0, 5, REFRESH_SECONDS, REFRESH_SECONDS + 5)]
    assert asked == [{"small": 1}, None, {"small": 1}, None]


@settings(deadline=None, max_examples=40)
@given(
    trainings=st.integers(0, 60),
    waited=st.floats(0, 5000),
    busy=st.integers(0, 6),
    idle=st.integers(0, 6),
    most=st.integers(0, 5),
    least=st.integers(0, 5),
)
def test_a_wish_stays_within_its_bounds_and_more_work_never_asks_for_less(trainings, waited, busy, idle, most, least):
    groups = {"small": Group(max=most, min=least), "h100": Group(max=3)}

    def wished(count: int) -> dict[str, int]:
        book = book_of(*(training(number) for number in range(count)), since=-waited)
        for number in range(busy):
            with_worker(book, f"busy-{number}", training(1000 + number))
        for number in range(idle):
            with_worker(book, f"idle-{number}")
        return wish(book, **groups)

    fewer, more = wished(trainings), wished(trainings + 1)
    assert min(least, most) <= fewer["small"] <= most
    assert 0 <= fewer["h100"] <= 3
    assert sum(more.values()) >= sum(fewer.values())
    assert sum(fewer.values()) <= max(min(least, most), busy + trainings)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 120), st.integers(0, 40)), min_size=1, max_size=12))
def test_no_worker_is_given_up_that_was_needed_lately(history):
    wishes, now, needs = settled(), 0.0, []
    for pause, count in history:
        now += pause
        book = book_of(*(training(number) for number in range(count)), since=now)
        needs.append((now, wish(book, at=now)["small"]))
        decision = wishes.decide(book, moment(now))
        assert decision is not None
        lately = [need for at, need in needs if now - at < PATIENCE.keep]
        assert max(lately) <= decision.wish["small"] <= max(need for at, need in needs if now - at <= PATIENCE.keep)


@pytest.mark.parametrize("wrong", [{"max": -1}, {"max": 1, "gpus": 2}, {}])
def test_a_group_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        Group.model_validate(wrong)
