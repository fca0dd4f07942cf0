"""Ending work, trying it again, and why it stands where it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from cluster.ports import JobReport, Trouble
from jobs import keys, plan, publish
from jobs.records import RerunRecord
from tests.cli import made, studio
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm

SOCKS, SPRING = "uid-stable-socks", "uid-spring"
TRAINING = JobReport(state="leased", kind="train", version="v2", worker="w1", attempt=1)
SHEET = JobReport(state="waiting", kind="generate", version="v1", waiting_for="All workers are full.")
CHUNK = JobReport(state="waiting", kind="generate", waiting_for="All workers are full.")


@pytest.fixture
def farm(tmp_path: Path) -> FakeFarm:
    filled = FakeFarm(FolderStore(tmp_path / "store"))
    studio.fill(filled)
    filled.put_to_work(SOCKS, "training", TRAINING)
    filled.put_to_work(SOCKS, "sheet", SHEET)
    for number in range(3):
        filled.put_to_work(SPRING, f"chunk-{number}", CHUNK)
    return filled


def states(farm: FakeFarm, uid: str) -> list[str]:
    return [report.state for report in farm.work[uid].values()]


def test_a_version_is_cancelled_by_whom_and_why_and_its_neighbours_go_on(farm: FakeFarm) -> None:
    shown = Terminal(farm).type("cancel", "stable-socks", "v2", "--yes", "--reason", "wrong pictures")
    assert (shown.code, states(farm, SOCKS)) == (0, ["failed", "waiting"])
    trouble = farm.work[SOCKS]["training"].trouble
    assert trouble is not None
    assert trouble.message == "It was cancelled by lead@studio-a: wrong pictures."
    assert "`brandfarm retry stable-socks v2`" in shown.out


def test_without_a_terminal_nothing_is_cancelled_unless_it_is_said(farm: FakeFarm) -> None:
    shown = Terminal(farm).type("cancel", "campaign/spring")
    assert (shown.code, states(farm, SPRING)) == (2, ["waiting"] * 3)
    assert "This cancels 3 chunks of images of campaign/spring." in " ".join(shown.err.split())


def test_who_else_wants_it_is_said_before_it_is_asked(farm: FakeFarm) -> None:
    farm.put_to_work("uid-olive-oil", "training", TRAINING)
    shown = Terminal(farm, keyboard=True).type("cancel", "stable-socks", "v2", stdin="n\n")
    assert "brandproject/olive-oil want some of it too" in " ".join(shown.err.split())
    assert (shown.code, states(farm, SOCKS)) == (1, ["leased", "waiting"])


def test_what_is_over_cannot_be_cancelled(farm: FakeFarm) -> None:
    farm.work.clear()
    shown = Terminal(farm).type("cancel", "campaign/spring", "--yes")
    assert shown.code == 1
    assert "nothing that waits or is under way" in shown.err


def test_a_retry_brings_back_what_failed_and_nothing_else(farm: FakeFarm) -> None:
    Terminal(farm).type("cancel", "stable-socks", "v2", "--yes")
    shown = Terminal(farm).type("retry", "stable-socks")
    assert "1 training again" in shown.out
    assert states(farm, SOCKS) == ["waiting", "waiting"]
    assert "Nothing of it has failed." in Terminal(farm).type("retry", "stable-socks").out


def test_a_rerun_names_the_chunks_with_failed_shots_and_retries_those_that_failed_whole(farm: FakeFarm) -> None:
    made.campaign(farm, failed=3)
    farm.cancel(["chunk-2"], "lead", "")
    shown = Terminal(farm).type("campaign", "rerun", "spring", "--failed", "-o", "json")
    assert json.loads(shown.out) == {"name": "campaign/spring", "retried": 1, "chunks": 1, "shots": 3}
    body = publish.read(farm.store, keys.rerun(SPRING, 1))
    assert body is not None
    record = RerunRecord.model_validate(body)
    assert (record.ranges, record.by) == ([(0, 16)], "lead@studio-a")
    assert farm.work[SPRING]["chunk-2"].state == "waiting"
    again = Terminal(farm).type("campaign", "rerun", "spring", "--failed", "-o", "json")  # it is under way already
    assert json.loads(again.out)["shots"] == 0


def test_a_rerun_of_what_stands_is_refused_with_the_reason(farm: FakeFarm) -> None:
    shown = Terminal(farm).type("campaign", "rerun", "spring")
    assert shown.code == 2
    assert "an image is made once by its recipe" in shown.err


def test_logs_of_a_campaign_include_its_reruns(farm: FakeFarm) -> None:
    jobs = made.campaign(farm, failed=1)
    Terminal(farm).type("campaign", "rerun", "spring", "--failed")
    body = RerunRecord(uid=SPRING, number=1, ranges=[(0, 16)], by="lead", created=0.0)
    again = plan.chains(jobs, [body])[0][-1]
    farm.store.put(keys.log(again.id, 1, 1), b'{"event": "drawn again"}\n')
    assert "drawn again" in Terminal(farm).type("logs", "campaign/spring").out


def test_why_sums_up_chunks_and_asks_about_the_first_that_waits(farm: FakeFarm) -> None:
    made.campaign(farm, failed=2)
    farm.reasons["chunk-0"] = "All workers are full, and 7 jobs are ahead of it."
    broken = Trouble(reason="OutOfMemory", message="No room.", hint="A smaller batch.")
    farm.work[SPRING]["chunk-2"] = JobReport(state="failed", kind="generate", trouble=broken)
    told = json.loads(Terminal(farm).type("why", "campaign/spring", "-o", "json").out)
    sentences = [one["text"] for one in told["sentences"]]
    assert "2 of 2 chunks wait; of the first: All workers are full, and 7 jobs are ahead of it." in sentences
    assert "1 of 2 chunks failed for good, OutOfMemory: No room. A smaller batch." in sentences
    assert "2 shots could not be drawn, OutOfMemory: No room for the picture." in sentences
    assert told["next"] == [
        "`brandfarm campaign rerun spring --failed` tries what failed again; what stands is not drawn twice."
    ]


def test_why_follows_a_campaign_down_to_the_training_that_it_waits_for(farm: FakeFarm) -> None:
    waits = studio.training() | {"serving": None, "phase": "Training"}
    farm.set_status("BrandProject", "default", "stable-socks", waits)
    farm.reasons["training"] = "The one worker that would do is full; it is next."
    told = json.loads(Terminal(farm).type("why", "campaign/spring", "-o", "json").out)
    chain = [(one["depth"], one["text"].split(":")[0]) for one in told["sentences"]]
    assert chain[1:4] == [
        (1, "It waits for stable-socks, which serves no version yet."),
        (2, "stable-socks is Training"),
        (3, "The training of v2"),
    ]


def test_why_works_while_nobody_dispatches_and_says_so(farm: FakeFarm) -> None:
    first = made.dataset(farm.store, "a one")
    late = made.version(farm.store, 1, dataset=first, trained=False)
    made.failure(farm.store, late.asked, 1)
    farm.up = False
    shown = " ".join(Terminal(farm).type("why", "stable-socks", "-o", "table").out.split())
    assert "No farm runs in /farm. So this is what records and the last status tell." in shown
    assert "OutOfMemory: No room." in shown
    assert "Next: Start one with `brandfarm up`." in shown
