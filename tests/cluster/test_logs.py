"""One job followed through the log lines: every line is JSON, names its process and the job, and gives no prompt away."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster import logs
from cluster.folder_store import FolderStore
from cluster.worker import Worker
from jobs.figures import Tally
from jobs.spec import Hints, Job, Samples
from jobs.workbench.docket import Docket
from tests.cluster.dispatching import chunk, training, wanted
from tests.cluster.test_engine import Farm, HandClock, all_done, in_charge, played
from tests.fakes.workbench import NO_DATASET, FakeWorkbench

SECRET = "a sock that nobody has announced"
SOCK = training(1, base="fake").model_copy(
    update={"hints": Hints(project="studio/socks", version="v3", samples=Samples(prompts=(SECRET,)))}
)
SPRING = chunk(1, base="fake", project="studio/spring-nightly")
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """What this process has told on stderr, set up as a worker's."""
    told = io.StringIO()
    monkeypatch.setattr("sys.stderr", told)
    logs.to_stderr_as_json("worker")
    return lambda: [json.loads(line) for line in told.getvalue().splitlines()]


def of(told: list[dict[str, Any]], job: Job) -> list[dict[str, Any]]:
    return [line for line in told if line.get("job") == job.id]


def test_dispatcher_and_worker_tell_each_step_of_a_job_once_with_its_names(tmp_path: Path, lines: Lines) -> None:
    farm = Farm(tmp_path, "w1", steps=3)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK, SPRING))
            await farm.until(all_done(engine))

    played(scene())
    told = lines()
    assert all({"timestamp", "level", "process", "event"} <= line.keys() for line in told)
    assert SECRET not in json.dumps(told)
    sock, spring = of(told, SOCK), of(told, SPRING)
    assert sorted(line["event"] for line in sock) == ["begun", "done", "finished", "taken"]
    assert {(line["kind"], line["project"], line["version"], line["attempt"]) for line in sock} == {
        ("train", "studio/socks", "v3", 1)
    }
    assert {line["campaign"] for line in spring} == {"studio/spring-nightly"}


def test_a_worker_says_why_an_attempt_failed_and_that_one_yielded(tmp_path: Path, lines: Lines) -> None:
    store = FolderStore(tmp_path)
    worker = Worker("w1", lambda: FakeWorkbench(store, 5))
    ask = {"dataset": NO_DATASET, **SOCK.ask.model_dump(exclude={"kind", "dataset"})}
    broken = Job(ask=type(SOCK.ask).model_validate(ask), hints=SOCK.hints)
    for job in (SOCK, broken, SPRING):
        worker.begin(1, job, 2)
    worker.turn()
    worker.turn()
    worker.stop(1, SOCK.id, at_checkpoint=True)
    worker.stop(1, SPRING.id, at_checkpoint=False)
    worker.turn()
    told = lines()
    (failed,) = [line for line in of(told, broken) if line["event"] == "failed"]
    assert (failed["level"], failed["reason"], failed["attempt"]) == ("warning", "DatasetInvalid", 2)
    assert [line["event"] for line in of(told, SOCK)] == ["taken", "yielded"]
    assert [line["event"] for line in of(told, SPRING)] == ["taken", "stopped"]


def test_the_work_tells_its_lifecycle_to_its_process_and_keeps_the_rest_to_itself(tmp_path: Path, lines: Lines) -> None:
    docket = Docket(FolderStore(tmp_path), HandClock(), Tally())
    docket.enter(SOCK, 4)
    docket[SOCK.id].lifecycle("training", resumed_at_step=120)
    docket[SOCK.id].log.line("not heard in full", why=SECRET)
    docket[SOCK.id].lifecycle("checkpoint", step=150)
    resumed, kept = lines()
    named = {"process": "worker", "project": "studio/socks", "version": "v3", "attempt": 4, "job": SOCK.id}
    assert named.items() <= resumed.items()
    assert (resumed["event"], resumed["resumed_at_step"]) == ("training", 120)
    assert (kept["event"], kept["step"]) == ("checkpoint", 150)
