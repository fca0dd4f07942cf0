"""A worker whose node is to go: it hands everything back at a checkpoint and takes nothing more, told by socket or by call."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import departure, drain
from cluster.folder_store import FolderStore
from cluster.ports import EventKind, WorkEvent
from cluster.worker import Leaving, Worker
from jobs.errors import FarmError
from tests.cluster.dispatching import chunk, training
from tests.fakes.workbench import FakeWorkbench

SOCK, MUG = training(1), chunk(1)


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    """A worker that is turned by hand."""
    return Worker("one", lambda: FakeWorkbench(FolderStore(tmp_path / "store"), steps=10), gpu_class="h100")


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of doors of our own; a socket's path must be short."""
    with tempfile.TemporaryDirectory(prefix="bfd", dir="/tmp") as short:
        monkeypatch.setenv(departure.FOLDER, short)
        yield departure.folder()


def news(worker: Worker, after: int = 0) -> list[WorkEvent]:
    """The ends of attempts that it tells of; asking after a number says that all until there was heard."""
    batch = asyncio.run(worker.events(1, after, 0.0))
    return [event for event in batch.events if event.kind is not EventKind.PROGRESS]


def test_told_to_leave_it_yields_everything_at_a_checkpoint_and_offers_nothing(worker: Worker) -> None:
    worker.begin(1, SOCK, 1)
    worker.begin(1, MUG, 1)
    worker.turn()
    assert worker.hello(1).offer.train_rows > 0
    assert worker.leave() == Leaving(held=2, untold=0)
    offer = worker.hello(1).offer
    assert (offer.train_rows, offer.chunks, offer.intakes, offer.gpu_class) == (0, 0, 0, "h100")
    worker.turn()
    assert worker.leave() == Leaving(held=0, untold=2)
    told = news(worker)
    assert [(one.job, one.kind) for one in told] == [(SOCK.id, EventKind.YIELDED), (MUG.id, EventKind.YIELDED)]
    assert news(worker, told[-1].number) == []
    assert worker.leave() == Leaving(held=0, untold=0)


def test_work_that_was_on_its_way_is_handed_back_too(worker: Worker) -> None:
    worker.turn()
    worker.leave()
    worker.begin(1, SOCK, 1)
    assert worker.leave().held == 1
    worker.turn()
    assert [(one.job, one.kind) for one in news(worker)] == [(SOCK.id, EventKind.YIELDED)]


def test_it_calls_its_gpu_what_the_farm_does_before_it_has_opened(worker: Worker) -> None:
    assert worker.hello(1).offer.gpu_class == "h100"


def test_whoever_knocks_tells_it_to_leave(worker: Worker, doors: Path) -> None:
    worker.begin(1, SOCK, 1)
    departure.open_door("one", worker.leave, doors)
    assert departure.knock(doors) == [departure.Answer("one", Leaving(held=1, untold=0))]
    worker.turn()
    assert departure.knock(doors) == [departure.Answer("one", Leaving(held=0, untold=1))]


def test_the_door_of_one_that_has_ended_is_taken_away(doors: Path) -> None:
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(doors / "1.sock"))
    assert departure.knock(doors) == []
    assert list(doors.iterdir()) == []


def test_nobody_else_may_open_the_folder_of_doors(doors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doors.stat().st_mode & 0o077 == 0
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(FarmError, match="somebody else"):
        departure.folder()


class Machine:
    """Workers' answers one look after the other, and a clock that the looks turn."""

    def __init__(self, *answers: Leaving) -> None:
        self.seconds, self._answers = 0.0, answers

    def knock(self, _place: Path) -> list[departure.Answer]:
        here = self._answers[min(round(self.seconds), len(self._answers) - 1)]
        return [departure.Answer("one", here)]

    def pause(self, _seconds: float) -> None:
        self.seconds += 1.0


def drained(monkeypatch: pytest.MonkeyPatch, within: float, *answers: Leaving) -> tuple[bool, float]:
    machine = Machine(*answers)
    monkeypatch.setattr(departure, "knock", machine.knock)
    holding = drain.drain(Path("/"), within, lambda: machine.seconds, machine.pause)
    return not holding, machine.seconds


def test_a_drain_ends_when_all_is_handed_back_and_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drained(monkeypatch, 90, Leaving(2, 0), Leaving(1, 1), Leaving(0, 2), Leaving(0, 0)) == (True, 3.0)


def test_a_drain_does_not_wait_long_for_a_dispatcher_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drained(monkeypatch, 90, Leaving(1, 0), Leaving(0, 1)) == (True, 1.0 + drain.NEWS_SECONDS)


def test_a_drain_ends_in_time_though_a_worker_is_still_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drained(monkeypatch, 30, Leaving(1, 0)) == (False, 30.0)
