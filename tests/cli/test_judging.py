"""A person's word: who may say what of which version, and which version campaigns then get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.folder_store import FolderStore
from tests import builders
from tests.cli import studio
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm


@pytest.fixture
def farm(tmp_path: Path) -> FakeFarm:
    return FakeFarm(FolderStore(tmp_path / "store"))


def _with(farm: FakeFarm, status: dict[str, Any], **spec: Any) -> Terminal:
    farm.create(builders.project(**spec))
    farm.set_status("BrandProject", "default", "stable-socks", status)
    return Terminal(farm)


def _approved(farm: FakeFarm, *versions: str) -> Terminal:
    """Versions that lead@studio-a has approved, all but none of which the controller has told of."""
    terminal = _with(farm, studio.awaiting(len(versions)))
    for version in versions:
        terminal.type("approve", "stable-socks", version)
    farm.set_status("BrandProject", "default", "stable-socks", studio.ready(*versions))
    return terminal


def _reviews(farm: FakeFarm) -> list[dict[str, Any]]:
    return [one["spec"] for one in farm.documents("Review")]


def _serve(farm: FakeFarm) -> str:
    return str(farm.document("BrandProject", "default", "stable-socks")["spec"].get("serve", "approved"))


def test_an_approval_is_a_review_bound_to_the_project(farm: FakeFarm) -> None:
    terminal = _with(farm, studio.awaiting())
    shown = terminal.type("approve", "stable-socks", "--note", "the heel is right", "-o", "table")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == "stable-socks v1 approved by lead@studio-a\n  Campaigns get v1 from now on.\n"
    (review,) = _reviews(farm)
    assert review == {
        "by": "lead@studio-a",
        "project": "stable-socks",
        "projectUid": "uid-stable-socks",
        "version": "v1",
        "verdict": "approve",
        "tags": [],
        "note": "the heel is right",
        "shots": [],
    }


def test_the_same_person_approves_once(farm: FakeFarm) -> None:
    terminal = _with(farm, studio.awaiting())
    terminal.type("approve", "stable-socks")
    shown = terminal.type("approve", "stable-socks", "-o", "table")
    assert shown.code == 0
    assert "was approved by lead@studio-a before" in shown.out
    assert len(_reviews(farm)) == 1


def test_a_person_who_took_it_back_may_approve_again(farm: FakeFarm) -> None:
    terminal = _with(farm, studio.awaiting())
    terminal.type("approve", "stable-socks")
    taken_back = terminal.type("critique", "stable-socks", "v1", "--note", "no, the heel")
    assert "This takes back your approval of v1." in taken_back.out
    terminal.type("approve", "stable-socks")
    assert [review["verdict"] for review in _reviews(farm)] == ["approve", "revise", "approve"]


def test_a_gate_of_two_counts_two_people(farm: FakeFarm) -> None:
    terminal = _with(farm, studio.awaiting(), gate={"approvals": 2})
    assert "1 of 2 approvals; 1 more to go." in terminal.type("approve", "stable-socks").out
    terminal.user = "owner@studio-a"
    assert "Campaigns get v1 from now on." in terminal.type("approve", "stable-socks").out


def test_without_a_version_the_newest_trained_one_is_approved(farm: FakeFarm) -> None:
    terminal = _with(farm, studio.training())
    terminal.type("approve", "stable-socks")
    assert [review["version"] for review in _reviews(farm)] == ["v1"]


@pytest.mark.parametrize(
    ("status", "words", "code", "said"),
    [
        (studio.training(), ("stable-socks", "v2"), 1, "v2 is still being trained (120/300)"),
        (studio.failed(), ("stable-socks", "v1"), 1, "v1 failed in training"),
        (studio.failed(), ("stable-socks",), 1, "has no trained version yet"),
        (studio.awaiting(), ("stable-socks", "v9"), 3, "has no version v9; there are: v1."),
        (studio.awaiting(), ("stabel-socks",), 3, "There is no BrandProject stabel-socks. Did you mean stable-socks?"),
        (studio.awaiting(), ("stable-socks", "-n", "studio-b"), 3, "add `-n default`"),
    ],
)
def test_what_cannot_be_approved_says_why(
    status: dict[str, Any], words: tuple[str, ...], code: int, said: str, farm: FakeFarm
) -> None:
    shown = _with(farm, status).type("approve", *words)
    assert (shown.code, shown.out) == (code, "")
    assert said in shown.err
    assert _reviews(farm) == []


def test_a_pinned_version_is_named_when_another_is_approved(farm: FakeFarm) -> None:
    terminal = _with(farm, studio.awaiting(2), serve="v1")
    assert (
        "serves v1, which is pinned: `brandfarm promote stable-socks v2`"
        in terminal.type("approve", "stable-socks").out
    )


def test_a_critique_carries_tags_and_note_and_warns_of_unknown_tags(farm: FakeFarm) -> None:
    judge = builders.project()["spec"]["judge"] | {"tags": ["oversaturated", "ai-look"]}
    terminal = _with(farm, studio.awaiting(), judge=judge)
    shown = terminal.type(
        "critique", "stable-socks", "v1", "--tag", "oversaturatd", "--tag", "ai-look", "--note", "orange", "--reject"
    )
    assert shown.code == 0
    assert shown.err == ("Warning: stable-socks's judge lists no tag 'oversaturatd'. Did you mean oversaturated?\n")
    (review,) = _reviews(farm)
    assert (review["verdict"], review["tags"], review["note"]) == ("reject", ["oversaturatd", "ai-look"], "orange")


def _verdicts(folder: Path, **changes: Any) -> str:
    body = {
        "schema": "brandfarm.dev/verdicts/1",
        "project": "stable-socks",
        "namespace": "default",
        "uid": "uid-stable-socks",
        "version": "v1",
        "verdict": "revise",
        "tags": [],
        "note": "heel",
        "shots": [{"prompt": 0, "seed": 7, "verdict": "reject", "tags": [], "note": ""}],
    }
    path = folder / "verdicts.json"
    path.write_text(json.dumps(body | changes))
    return str(path)


def test_a_sheets_verdicts_become_a_review(farm: FakeFarm, tmp_path: Path) -> None:
    terminal = _with(farm, studio.awaiting())
    assert terminal.type("critique", "--from", _verdicts(tmp_path)).code == 0
    (review,) = _reviews(farm)
    assert (review["verdict"], review["by"], review["note"]) == ("revise", "lead@studio-a", "heel")
    assert review["shots"] == [{"prompt": 0, "seed": 7, "verdict": "reject", "tags": [], "note": ""}]


def test_a_sheet_that_approves_says_what_follows(farm: FakeFarm, tmp_path: Path) -> None:
    terminal = _with(farm, studio.awaiting())
    shown = terminal.type("critique", "--from", _verdicts(tmp_path, verdict="approve"))
    assert "Campaigns get v1 from now on." in shown.out


@pytest.mark.parametrize(
    ("changes", "words", "code", "said"),
    [
        ({"uid": "uid-before"}, (), 1, "an earlier stable-socks"),
        ({}, ("olive-oil", "v1"), 2, "not of olive-oil v1"),
        ({}, ("stable-socks", "v2"), 2, "not of stable-socks v2"),
        ({"verdict": "meh"}, (), 2, "verdict"),
        ({"version": "v7"}, (), 3, "has no version v7"),
        ({}, ("--note", "mine"), 2, "--from brings its own words"),
    ],
)
def test_verdicts_of_something_else_are_refused(
    changes: dict[str, Any], words: tuple[str, ...], code: int, said: str, farm: FakeFarm, tmp_path: Path
) -> None:
    terminal = _with(farm, studio.awaiting())
    shown = terminal.type("critique", *words, "--from", _verdicts(tmp_path, **changes), columns=200)
    assert shown.code == code
    assert said in shown.err
    assert _reviews(farm) == []


def test_promote_pins_an_approved_version(farm: FakeFarm) -> None:
    terminal = _approved(farm, "v1", "v2")
    shown = terminal.type("promote", "stable-socks", "v1", "-o", "table")
    assert shown.out == "brandproject/stable-socks serve approved (v2) -> v1\n  The next campaign follows.\n"
    assert _serve(farm) == "v1"
    assert "unchanged" in terminal.type("promote", "stable-socks", "v1").out
    assert "serve v1 -> approved" in terminal.type("promote", "stable-socks", "approved").out
    assert _serve(farm) == "approved"


def test_promote_wants_an_approval_first(farm: FakeFarm) -> None:
    shown = _with(farm, studio.awaiting()).type("promote", "stable-socks", "v1")
    assert shown.code == 7
    assert "v1 has 0 of 1 approvals" in shown.err
    assert "brandfarm approve stable-socks v1" in shown.err


def test_promote_counts_an_approval_that_no_status_tells_of_yet(farm: FakeFarm) -> None:
    terminal = _with(farm, studio.awaiting())
    terminal.type("approve", "stable-socks", "v1")
    assert terminal.type("promote", "stable-socks", "v1").code == 0


def test_rollback_goes_to_the_version_approved_before(farm: FakeFarm) -> None:
    terminal = _approved(farm, "v1", "v2", "v3")
    assert "serve approved (v3) -> v2" in terminal.type("rollback", "stable-socks").out
    assert "serve v2 -> v1" in terminal.type("rollback", "stable-socks").out
    shown = terminal.type("rollback", "stable-socks")
    assert shown.code == 3
    assert "nothing was approved before it" in shown.err
    assert _serve(farm) == "v1"


def test_rollback_to_a_version_that_is_named(farm: FakeFarm) -> None:
    terminal = _approved(farm, "v1", "v2", "v3")
    assert "serve approved (v3) -> v1" in terminal.type("rollback", "stable-socks", "--to", "v1").out


def test_rollback_of_a_brand_that_serves_nothing(farm: FakeFarm) -> None:
    assert _with(farm, studio.awaiting()).type("rollback", "stable-socks").code == 3
