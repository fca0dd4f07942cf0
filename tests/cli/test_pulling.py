"""Pulling a campaign: readable names, verified bytes, nothing half-written, nothing fetched twice, what lacks said aloud."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from jobs import blobs, keys, publish
from jobs.ports import ObjectStore
from jobs.records import CampaignRecord, ImageRecord
from jobs.shots import AdapterUse, Look, Plan
from tests import builders
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm

UID = "uid-spring"


def _look(label: str, brand: str) -> Look:
    adapter = AdapterUse(digest=builders.digest(label))
    return Look(label=label, project=f"default/{brand}", version="v1", adapters=(adapter,), trigger="stblsx")


def _plan(*looks: Look) -> Plan:
    return Plan(
        base=builders.digest("base"),
        looks=looks or (_look("stable-socks v1", "stable-socks"), _look("olive-oil v1", "olive-oil")),
        prompts=("a photo of a {trigger} on a {place}, {light}",),
        variables={"place": ("beach", "Roof Top!"), "light": ("sunset",)},
        sizes=((64, 64),),
        seeds=(1, 2),
    )


def _start(store: ObjectStore, plan: Plan) -> None:
    digest = blobs.put_json(store, plan.model_dump(mode="json"))
    record = CampaignRecord(uid=UID, plan=digest, count=plan.count, chunk=16, looks=[], created=0.0)
    publish.record(store, keys.campaign(UID), record.model_dump(mode="json", exclude={"writeId"}))


def _draw(store: ObjectStore, plan: Plan, count: int) -> None:
    for shot in plan.shots(0, count):
        data = b"PNG of %s" % shot.recipe.hash.encode()
        digest = blobs.put(store, data)
        record = ImageRecord(
            recipe_hash=shot.recipe.hash, recipe=shot.recipe, digest=digest, size=len(data), numerics="cpu"
        )
        publish.record(store, keys.image(shot.recipe.hash), record.model_dump(mode="json", exclude={"writeId"}))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def terminal(store: FolderStore) -> Terminal:
    farm = FakeFarm(store)
    farm.create(builders.campaign())
    return Terminal(farm)


def _images(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".png")


def test_images_get_names_that_people_can_read(terminal: Terminal, store: FolderStore, tmp_path: Path) -> None:
    _start(store, plan := _plan())
    _draw(store, plan, plan.count)
    shown = terminal.type("campaign", "pull", "spring", "--to", str(tmp_path / "out"), "-o", "table", columns=200)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == f"8 images in {tmp_path / 'out'}; contact.html shows them, manifest.json says what each is.\n"
    assert "0003-stable-socks-roof-top-sunset-seed1.png" in (tmp_path / "out" / "contact.html").read_text()
    assert _images(tmp_path / "out") == [
        "0001-stable-socks-beach-sunset-seed1.png",
        "0002-stable-socks-beach-sunset-seed2.png",
        "0003-stable-socks-roof-top-sunset-seed1.png",
        "0004-stable-socks-roof-top-sunset-seed2.png",
        "0005-olive-oil-beach-sunset-seed1.png",
        "0006-olive-oil-beach-sunset-seed2.png",
        "0007-olive-oil-roof-top-sunset-seed1.png",
        "0008-olive-oil-roof-top-sunset-seed2.png",
    ]


def test_a_contact_sheet_is_made_unless_it_is_not_wanted(store: FolderStore, tmp_path: Path) -> None:
    farm = FakeFarm(store)
    farm.create(builders.campaign(output={"contactSheet": False}))
    _start(store, plan := _plan())
    _draw(store, plan, plan.count)
    shown = Terminal(farm).type("campaign", "pull", "spring", "--to", str(tmp_path / "out"), "-o", "table", columns=200)
    assert shown.out == f"8 images in {tmp_path / 'out'}; manifest.json says what each is.\n"
    assert not (tmp_path / "out" / "contact.html").exists()


def test_a_brand_shown_twice_is_told_apart_by_its_label(terminal: Terminal, store: FolderStore, tmp_path: Path) -> None:
    plan = _plan(_look("stable-socks v1", "stable-socks"), _look("stable-socks v1 at 0.5", "stable-socks"))
    _start(store, plan)
    _draw(store, plan, plan.count)
    terminal.type("campaign", "pull", "spring", "--to", str(tmp_path / "out"))
    assert "0005-stable-socks-v1-at-0-5-beach-sunset-seed1.png" in _images(tmp_path / "out")


def test_the_lists_beside_them_say_what_each_is(terminal: Terminal, store: FolderStore, tmp_path: Path) -> None:
    _start(store, plan := _plan())
    _draw(store, plan, plan.count)
    terminal.type("campaign", "pull", "spring", "--to", str(tmp_path))
    listed = json.loads((tmp_path / "manifest.json").read_text())
    assert len(listed) == 8
    first = listed[0]
    assert (first["file"], first["seed"]) == ("0001-stable-socks-beach-sunset-seed1.png", 1)
    assert first["prompt"] == "a photo of a stblsx on a beach, sunset"
    assert first["variables"] == {"place": "beach", "light": "sunset"}
    assert blobs.get(store, first["sha256"]) == (tmp_path / first["file"]).read_bytes()
    rows = list(csv.DictReader((tmp_path / "manifest.csv").read_text().splitlines()))
    assert [row["place"] for row in rows[:3]] == ["beach", "beach", "Roof Top!"]


def test_what_is_there_already_is_not_fetched_again(terminal: Terminal, store: FolderStore, tmp_path: Path) -> None:
    _start(store, plan := _plan())
    _draw(store, plan, plan.count)
    out = tmp_path / "out"
    terminal.type("campaign", "pull", "spring", "--to", str(out))
    names = _images(out)
    (out / names[0]).unlink()
    (out / names[1]).write_bytes(b"half of a pict")
    shown = terminal.type("campaign", "pull", "spring", "--to", str(out))
    became = [line.split("\t")[1] for line in shown.out.splitlines()[1:]]
    assert became == ["fetched", "fetched"] + ["there"] * 6
    assert _images(out) == names
    assert (out / names[1]).read_bytes().startswith(b"PNG of ")


def test_a_campaign_that_is_half_drawn_says_what_lacks(terminal: Terminal, store: FolderStore, tmp_path: Path) -> None:
    _start(store, plan := _plan())
    _draw(store, plan, 5)
    shown = terminal.type("campaign", "pull", "spring", "--to", str(tmp_path / "out"))
    assert shown.code == 1
    assert "3 of 8 images are not drawn." in shown.err
    assert len(_images(tmp_path / "out")) == 5
    assert terminal.type("campaign", "pull", "spring", "--to", str(tmp_path / "out"), "--partial").code == 0


def test_damaged_bytes_are_never_written(terminal: Terminal, store: FolderStore, tmp_path: Path) -> None:
    _start(store, plan := _plan())
    _draw(store, plan, plan.count)
    digest = ImageRecord.model_validate(publish.read(store, keys.image(plan.shot(2).recipe.hash))).digest
    (tmp_path / "store" / keys.blob(digest)).write_bytes(b"bit rot")
    shown = terminal.type("campaign", "pull", "spring", "--to", str(tmp_path / "out"))
    assert shown.code == 1
    assert "1 are damaged in the store." in shown.err
    assert len(_images(tmp_path / "out")) == 7


def test_nothing_but_whole_files_is_left_behind(terminal: Terminal, store: FolderStore, tmp_path: Path) -> None:
    _start(store, plan := _plan())
    _draw(store, plan, 5)
    terminal.type("campaign", "pull", "spring", "--to", str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(("reason", "code"), [("AwaitingApproval", 7), ("Training", 1)])
def test_a_campaign_that_has_not_started_says_why(reason: str, code: int, terminal: Terminal, tmp_path: Path) -> None:
    assert isinstance(terminal.farm, FakeFarm)
    terminal.farm.set_status("Campaign", "default", "spring", {"reason": reason, "message": "It waits."})
    shown = terminal.type("campaign", "pull", "spring", "--to", str(tmp_path / "out"))
    assert shown.code == code
    assert "spring has no images yet: It waits." in shown.err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_a_failure(terminal: Terminal, store: FolderStore, tmp_path: Path) -> None:
    _start(store, _plan())
    (tmp_path / "file").write_text("in the way")
    shown = terminal.type("campaign", "pull", "spring", "--to", str(tmp_path / "file" / "out"))
    assert shown.code == 1
    assert "cannot be written" in shown.err


def test_an_unknown_campaign_is_not_found(terminal: Terminal, tmp_path: Path) -> None:
    shown = terminal.type("campaign", "pull", "sprin", "--to", str(tmp_path / "out"))
    assert shown.code == 3
    assert "Did you mean spring?" in shown.err
