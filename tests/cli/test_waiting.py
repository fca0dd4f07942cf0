"""Waiting: what has come, what will come, what never will, and what needs somebody first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.waiting import Outlook, look
from cluster.folder_store import FolderStore
from tests import builders
from tests.cli import studio
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm


@pytest.fixture
def farm(tmp_path: Path) -> FakeFarm:
    farm = FakeFarm(FolderStore(tmp_path / "store"))
    farm.create(builders.project())
    farm.create(builders.campaign())
    return farm


def _brand(farm: FakeFarm, status: dict[str, Any]) -> Callable[[], None]:
    return lambda: farm.set_status("BrandProject", "default", "stable-socks", status)


def _document(kind: str, status: dict[str, Any], generation: int = 1) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"generation": generation}, "status": {"observedGeneration": 1, **status}}


@pytest.mark.parametrize(
    ("kind", "status", "condition", "outlook"),
    [
        ("BrandProject", studio.ready("v1"), "Ready", Outlook.HERE),
        ("BrandProject", studio.training(), "Ready", Outlook.HERE),
        ("BrandProject", studio.training(), "Trained", Outlook.COMING),
        ("BrandProject", studio.awaiting(), "Ready", Outlook.NEEDS_APPROVAL),
        ("BrandProject", studio.awaiting() | {"phase": "Sampling"}, "Ready", Outlook.COMING),
        ("BrandProject", studio.failed(), "Ready", Outlook.FAILED),
        ("BrandProject", studio.failed(), "Degraded", Outlook.HERE),
        ("Campaign", studio.drawing(), "Complete", Outlook.COMING),
        ("Campaign", {"phase": "Refused"}, "Complete", Outlook.FAILED),
        ("Campaign", {"phase": "Waiting"}, "Complete", Outlook.COMING),
        (
            "Campaign",
            {"phase": "Generating", "conditions": [studio.condition("Degraded", True, "ShotsFailed")]},
            "Complete",
            Outlook.COMING,
        ),
        (
            "Campaign",
            {"phase": "Waiting", "conditions": [studio.condition("Complete", False, "AwaitingApproval")]},
            "Complete",
            Outlook.NEEDS_APPROVAL,
        ),
    ],
)
def test_an_outlook(kind: str, status: dict[str, Any], condition: str, outlook: Outlook) -> None:
    assert look(_document(kind, status), condition).outlook is outlook


def test_a_status_of_an_earlier_edit_says_nothing() -> None:
    assert look(_document("BrandProject", studio.failed(), generation=2), "Ready").outlook is Outlook.COMING


def test_what_has_come_exits_with_0(farm: FakeFarm) -> None:
    _brand(farm, studio.ready("v1"))()
    shown = Terminal(farm).type("wait", "stable-socks", "-o", "table")
    assert (shown.code, shown.out) == (0, "brandproject/stable-socks Ready\n  v1 serves.\n")


def test_what_comes_while_one_waits_exits_with_0(farm: FakeFarm) -> None:
    terminal = Terminal(farm)
    terminal.between = lambda: _brand(farm, studio.ready("v1"))() if len(terminal.pauses) == 3 else None
    assert terminal.type("wait", "stable-socks").code == 0
    assert len(terminal.pauses) == 3


def test_what_failed_exits_with_1_and_says_why(farm: FakeFarm) -> None:
    shown = Terminal(farm, between=_brand(farm, studio.failed())).type("wait", "stable-socks")
    assert shown.code == 1
    assert "will not be Ready: Failed. The loss of v1 is not a number at step 40." in shown.err
    assert "brandfarm status stable-socks" in shown.err


def test_what_takes_too_long_exits_with_5(farm: FakeFarm) -> None:
    shown = Terminal(farm, between=_brand(farm, studio.training() | {"conditions": []})).type(
        "wait", "stable-socks", "--timeout", "30s"
    )
    assert shown.code == 5
    assert "is not Ready after 30 s: Training (120/300)" in shown.err


def test_what_needs_an_approval_exits_with_7_and_says_what_to_do(farm: FakeFarm) -> None:
    shown = Terminal(farm, between=_brand(farm, studio.awaiting())).type("wait", "stable-socks")
    assert shown.code == 7
    assert "brandfarm sheet stable-socks" in shown.err


def test_ctrl_c_leaves_the_farm_at_work(farm: FakeFarm) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    shown = Terminal(farm, between=interrupt).type("wait", "stable-socks")
    assert shown.code == 130
    assert "Detached: the farm goes on" in shown.err


def test_no_waiting_on_a_farm_that_is_down(farm: FakeFarm) -> None:
    farm.up = False
    shown = Terminal(farm).type("wait", "stable-socks")
    assert shown.code == 1
    assert "brandfarm up" in shown.err


def test_a_campaign_is_waited_for_by_its_bare_name(farm: FakeFarm) -> None:
    done = {"phase": "Complete", "conditions": [studio.condition("Complete", True, "Complete")]}
    farm.set_status("Campaign", "default", "spring", done)
    assert Terminal(farm).type("wait", "spring", "--for", "complete").code == 0
    assert Terminal(farm).type("wait", "campaign/spring").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("stable-socks", "--for", "Redy"), 2, "Did you mean Ready?"),
        (("campaign/spring", "--for", "Ready"), 2, "It has Accepted, Progressing, Complete, Degraded."),
        (("campaign/autumn",), 3, "There is no Campaign autumn."),
        (("autumn",), 3, "There is no BrandProject autumn."),
        (("review/x",), 2, "A review is there as soon as it is written"),
    ],
)
def test_what_cannot_be_waited_for(words: tuple[str, ...], code: int, said: str, farm: FakeFarm) -> None:
    shown = Terminal(farm).type("wait", *words, columns=200)
    assert shown.code == code
    assert said in shown.err
