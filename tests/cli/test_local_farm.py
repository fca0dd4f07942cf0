"""The verbs on real parts: manifests in SQLite, a store in a folder, and no farm at work."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cli.local_farm import LocalFarm
from cluster.farm_home import Endpoint
from cluster.local_manifests import LocalManifests
from cluster.sources import open_source
from jobs.manifests import BrandProject, parse
from tests import builders
from tests.cli import studio
from tests.cli.terminal import Terminal, written

DEAD_PID = 2**22 + 1  # above the kernel's largest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "farm"


@pytest.fixture
def terminal(home: Path) -> Terminal:
    return Terminal(LocalFarm(home))


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = tmp_path / "studio" / "shots"
    folder.mkdir(parents=True)
    for number in range(10):
        (folder / f"{number}.png").write_bytes(b"picture %d" % number)
        (folder / f"{number}.txt").write_text("a photo of a stblsx sock")
    return folder


@pytest.fixture
def brand(shots: Path) -> str:
    dataset = {"source": "./shots", "rights": {"owner": "Studio A", "basis": "owned"}}
    return written(shots.parent, "brand.yaml", [builders.project(dataset=dataset)])


def _told(home: Path, kind: str, name: str, status: dict[str, Any]) -> None:
    """What the controller would write."""
    manifests = LocalManifests(home / "farm.sqlite")
    try:
        document = asyncio.run(manifests.get(kind, "default", name))
        metadata = document["metadata"]
        status = {"observedGeneration": metadata["generation"], **status}
        asyncio.run(manifests.set_status(kind, "default", name, metadata["uid"], status))
    finally:
        manifests.close()


def _kept(home: Path, kind: str, name: str) -> dict[str, Any]:
    return LocalFarm(home).document(kind, "default", name)


def test_a_local_folder_is_uploaded_and_its_address_kept(terminal: Terminal, home: Path, brand: str) -> None:
    shown = terminal.type("apply", "-f", brand, "-o", "table")
    assert (shown.code, shown.out) == (0, "brandproject/stable-socks created\n")
    assert shown.err == f"No farm runs in {home}, so this waits. `brandfarm up` starts it.\n"
    project = parse(_kept(home, "BrandProject", "stable-socks"))
    assert isinstance(project, BrandProject)
    source = open_source(LocalFarm(home).store, project.spec.dataset.source)
    assert len(source.list()) == 20
    assert source.read("3.png") == b"picture 3"


def test_the_same_again_changes_nothing(terminal: Terminal, home: Path, brand: str) -> None:
    terminal.type("apply", "-f", brand)
    before = _kept(home, "BrandProject", "stable-socks")
    assert terminal.type("apply", "-f", brand, "-o", "table").out == "brandproject/stable-socks unchanged\n"
    assert _kept(home, "BrandProject", "stable-socks") == before


def test_a_status_that_moved_on_is_no_change_of_a_persons(terminal: Terminal, home: Path, brand: str) -> None:
    terminal.type("apply", "-f", brand)
    _told(home, "BrandProject", "stable-socks", studio.awaiting())
    assert "unchanged" in terminal.type("apply", "-f", brand).out


def test_an_edit_says_what_changed(terminal: Terminal, tmp_path: Path) -> None:
    terminal.type("apply", "-f", written(tmp_path, "a.yaml", [builders.project()]))
    longer = written(tmp_path, "b.yaml", [builders.project(recipe={"steps": 400, "rank": 8})])
    assert terminal.type("apply", "-f", longer, "-o", "table").out == (
        "brandproject/stable-socks configured\n  recipe.rank: nothing -> 8; recipe.steps: 300 -> 400\n"
    )


def test_a_promotion_outlives_an_apply_that_does_not_speak_of_serve(
    terminal: Terminal, home: Path, tmp_path: Path
) -> None:
    silent = written(tmp_path, "silent.yaml", [builders.project(gate={"approvals": 0})])
    terminal.type("apply", "-f", silent)
    _told(home, "BrandProject", "stable-socks", studio.ready("v1", "v2"))
    assert terminal.type("promote", "stable-socks", "v1").code == 0
    assert "unchanged" in terminal.type("apply", "-f", silent).out
    assert _kept(home, "BrandProject", "stable-socks")["spec"]["serve"] == "v1"
    spoken = written(tmp_path, "spoken.yaml", [builders.project(gate={"approvals": 0}, serve="approved")])
    assert "serve: v1 -> approved" in terminal.type("apply", "-f", spoken).out


def test_a_folder_of_manifests_is_applied_whole(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    written(folder, "1.yaml", [builders.project(), builders.campaign()])
    written(folder, "2.yaml", [builders.review()])
    shown = terminal.type("apply", "-f", str(folder))
    assert [line.split("\t")[1] for line in shown.out.splitlines()] == ["DID", "created", "created", "created"]
    assert LocalFarm(tmp_path / "farm").documents("Review")[0]["spec"]["projectUid"]


def test_manifests_come_from_a_pipe_and_into_a_namespace(terminal: Terminal) -> None:
    document = builders.campaign()
    del document["metadata"]["namespace"]
    assert terminal.type("apply", "-f", "-", "-n", "studio-a", stdin=json.dumps(document)).code == 0
    assert terminal.type("get", "campaigns", "-n", "studio-a", "-o", "name").out == "campaign/spring\n"


def test_nothing_is_applied_where_one_document_is_wrong(terminal: Terminal, home: Path, tmp_path: Path) -> None:
    wrong = builders.campaign()
    wrong["spec"]["lucks"] = wrong["spec"].pop("looks")
    shown = terminal.type("apply", "-f", written(tmp_path, "two.yaml", [builders.project(), wrong]))
    assert (shown.code, shown.out) == (2, "")
    assert "did you mean looks" in shown.err
    assert "two.yaml:3:" in shown.err
    assert not home.exists()


@pytest.mark.parametrize(
    ("spec", "code", "said"),
    [
        ({"base": {"name": "huge"}}, 2, "spec.base.name: found 'huge'; write one of: tiny"),
        ({"dataset": {"source": "./none", "rights": {"owner": "A", "basis": "owned"}}}, 2, "does not exist"),
    ],
)
def test_a_brand_that_cannot_be_is_refused(
    spec: dict[str, Any], code: int, said: str, terminal: Terminal, home: Path, tmp_path: Path
) -> None:
    shown = terminal.type("apply", "-f", written(tmp_path, "brand.yaml", [builders.project(**spec)]))
    assert (shown.code, shown.out) == (code, "")
    assert said in shown.err
    assert LocalFarm(home).documents("BrandProject") == []


def test_a_namespace_that_contradicts_the_manifest_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    path = written(tmp_path, "brand.yaml", [builders.project()])
    shown = terminal.type("apply", "-f", path, "-n", "studio-b")
    assert shown.code == 2
    assert "metadata.namespace: found default; write studio-b" in shown.err


def test_a_campaign_never_changes_its_shots(terminal: Terminal, tmp_path: Path) -> None:
    terminal.type("apply", "-f", written(tmp_path, "a.yaml", [builders.campaign()]))
    shots = builders.campaign()["spec"]["shots"] | {"seeds": {"start": 5}}
    shown = terminal.type("apply", "-f", written(tmp_path, "b.yaml", [builders.campaign(shots=shots)]))
    assert shown.code == 2
    assert "b.yaml:1:1: spec.shots: found a change" in shown.err


def test_a_review_of_an_unknown_brand_is_not_kept(terminal: Terminal, tmp_path: Path) -> None:
    terminal.type("apply", "-f", written(tmp_path, "other.yaml", [builders.project("olive-oil")]))
    shown = terminal.type("apply", "-f", written(tmp_path, "review.yaml", [builders.review()]))
    assert shown.code == 3
    assert "There is no BrandProject stable-socks" in shown.err


def test_approve_promote_and_rollback_on_real_manifests(terminal: Terminal, home: Path, tmp_path: Path) -> None:
    terminal.type("apply", "-f", written(tmp_path, "brand.yaml", [builders.project()]))
    _told(home, "BrandProject", "stable-socks", studio.awaiting(2))
    for version in ("v1", "v2"):
        assert terminal.type("approve", "stable-socks", version).code == 0
    assert len(LocalFarm(home).documents("Review")) == 2
    _told(home, "BrandProject", "stable-socks", studio.ready("v1", "v2"))
    assert terminal.type("rollback", "stable-socks").code == 0
    assert _kept(home, "BrandProject", "stable-socks")["spec"]["serve"] == "v1"
    assert terminal.type("promote", "stable-socks", "v2").code == 0
    kept = _kept(home, "BrandProject", "stable-socks")
    assert (kept["spec"]["serve"], kept["metadata"]["generation"]) == ("v2", 3)


def test_a_deletion_wants_a_yes(terminal: Terminal, home: Path, tmp_path: Path) -> None:
    path = written(tmp_path, "both.yaml", [builders.project(), builders.campaign()])
    terminal.type("apply", "-f", path)
    shown = terminal.type("delete", "campaign", "spring", columns=200)
    assert shown.code == 2
    assert "without a terminal, say --yes" in shown.err
    assert terminal.type("delete", "campaign", "spring", "autumn", "--yes").code == 3
    assert len(LocalFarm(home).documents("Campaign")) == 1
    assert "campaign/spring\tdeleted" in terminal.type("delete", "campaign/spring", "--yes").out
    assert terminal.type("delete", "-f", path, "--yes").code == 3
    assert terminal.type("delete", "project", "stable-socks", "-y").code == 0
    assert LocalFarm(home).documents("BrandProject") == []


def test_at_a_keyboard_a_deletion_is_asked_about(terminal: Terminal, home: Path, tmp_path: Path) -> None:
    terminal.type("apply", "-f", written(tmp_path, "campaign.yaml", [builders.campaign()]))
    terminal.keyboard = True
    shown = terminal.type("delete", "campaign", "spring", stdin="n\n")
    assert (shown.code, shown.out) == (1, "")
    assert "Delete campaign/spring in default?" in shown.err
    assert "Nothing was deleted." in shown.err
    assert len(LocalFarm(home).documents("Campaign")) == 1
    assert terminal.type("delete", "campaign", "spring", stdin="y\n").code == 0
    assert LocalFarm(home).documents("Campaign") == []


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "stable-socks"),
        ("approve", "stable-socks"),
        ("rollback", "stable-socks"),
        ("campaign", "list"),
        ("campaign", "pull", "spring", "--to", "x"),
        ("logs", "stable-socks"),
        ("wait", "stable-socks"),
        ("sheet", "stable-socks"),
        ("get", "reviews"),
        ("delete", "campaign/spring", "-y"),
    ],
)
def test_where_there_never_was_a_farm_every_verb_says_how_to_start_one(
    words: tuple[str, ...], terminal: Terminal, home: Path
) -> None:
    shown = terminal.type(*words)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err == (
        f"Error: There is no farm in {home}.\nNext:  Start one with `brandfarm up`, or name its folder with --home.\n"
    )
    assert not home.exists()


def test_a_plan_makes_no_farm(terminal: Terminal, home: Path, brand: str) -> None:
    assert terminal.type("plan", "-f", brand).code == 0
    assert not home.exists()


def test_a_farm_that_died_without_a_word_says_so(terminal: Terminal, home: Path, tmp_path: Path) -> None:
    terminal.type("apply", "-f", written(tmp_path, "brand.yaml", [builders.project()]))
    farm = LocalFarm(home)
    farm.home.announce(Endpoint(dispatcher="http://127.0.0.1:1", ray="", store="", pid=DEAD_PID, started=0.0))
    assert not farm.is_up()
    shown = " ".join(terminal.type("status", "-o", "table").out.split())
    assert f"died without a word (its supervisor was process {DEAD_PID}). `brandfarm up` starts it again" in shown


def test_a_dispatcher_that_does_not_answer_leaves_what_was_last_known(
    terminal: Terminal, home: Path, tmp_path: Path
) -> None:
    terminal.type("apply", "-f", written(tmp_path, "brand.yaml", [builders.project()]))
    farm = LocalFarm(home)
    farm.home.announce(Endpoint(dispatcher="http://127.0.0.1:1", ray="", store="", pid=os.getpid(), started=0.0))
    shown = terminal.type("status", "-o", "table")
    assert shown.code == 0
    assert "does not answer" in shown.out
    assert "stable-socks" in shown.out


@pytest.fixture(autouse=True)
def _from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
