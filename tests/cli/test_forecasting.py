"""A plan: what would be trained and drawn, what would change, and that nothing is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cluster.folder_store import FolderStore
from tests import builders
from tests.cli import studio
from tests.cli.terminal import Terminal, lines, written
from tests.fakes.farm import FakeFarm

NEW = """\
+ brandproject/stable-socks
    trains v1 on {shots}: 300 steps at rank 16, 64 px, batch 4, seed 7
    draws 8 images for its contact sheet, then waits for 1 approval

+ campaign/spring
    draws 1 look x 2 wordings (prompts[0]: 2 place) x 1 size x 10 seeds = 20 shots
    of stable-socks at 0.9, once a version serves
    with 20 ddim steps each

In all: 1 version trained in 300 steps, 20 images drawn. Nothing was changed.
"""


@pytest.fixture
def farm(tmp_path: Path) -> FakeFarm:
    return FakeFarm(FolderStore(tmp_path / "store"), kept=False)


@pytest.fixture
def studio_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "studio"
    (folder / "shots").mkdir(parents=True)
    for number in range(10):
        (folder / "shots" / f"{number}.png").write_bytes(b"picture %d" % number)
        (folder / "shots" / f"{number}.txt").write_text("a photo of a stblsx sock")
    return folder


def _brand(**spec: Any) -> dict[str, Any]:
    dataset = {"source": "./shots", "rights": {"owner": "Studio A", "basis": "owned"}}
    return builders.project(**{"dataset": dataset, **spec})


def _plan(farm: FakeFarm, folder: Path, *documents: dict[str, Any]) -> str:
    path = written(folder, "plan.yaml", documents)
    shown = Terminal(farm).type("plan", "-f", path, "-o", "table", columns=200)
    assert (shown.code, shown.err) == (0, "")
    return shown.out


def test_what_is_new_is_planned_whole(farm: FakeFarm, studio_folder: Path) -> None:
    screen = _plan(farm, studio_folder, _brand(), builders.campaign())
    assert lines(screen) == lines(NEW.replace("{shots}", f"10 pictures in {studio_folder / 'shots'}"))


def test_a_plan_changes_nothing(farm: FakeFarm, studio_folder: Path) -> None:
    _plan(farm, studio_folder, _brand(), builders.campaign())
    assert farm.documents("BrandProject") + farm.documents("Campaign") == []
    assert list(farm.store.list("")) == []


def test_what_stands_already_trains_nothing(farm: FakeFarm, studio_folder: Path) -> None:
    Terminal(farm).type("apply", "-f", written(studio_folder, "brand.yaml", [_brand()]))
    farm.set_status("BrandProject", "default", "stable-socks", studio.ready("v1", "v2"))
    assert lines(_plan(farm, studio_folder, _brand(), builders.campaign())) == [
        "= brandproject/stable-socks",
        "    trains nothing: v2 is what it declares",
        "",
        "+ campaign/spring",
        "    draws 1 look x 2 wordings (prompts[0]: 2 place) x 1 size x 10 seeds = 20 shots",
        "    of stable-socks v2 at 0.9",
        "    with 20 ddim steps each",
        "",
        "In all: 20 images drawn. Nothing was changed.",
    ]


@pytest.mark.parametrize(
    ("spec", "trains"),
    [
        ({"recipe": {"steps": 400}}, True),
        ({"trigger": "zzyzx", "judge": {"prompts": ["a zzyzx sock"], "seeds": [1]}}, True),
        ({"gate": {"approvals": 2}}, False),
        ({"finish": [{"grain": {"power": 0.1}}]}, False),
        ({"serve": "v1"}, False),
        ({"recipe": {"steps": 300, "sampleEvery": 50}}, False),
    ],
)
def test_only_what_decides_a_version_trains_one(
    spec: dict[str, Any], trains: bool, farm: FakeFarm, studio_folder: Path
) -> None:
    Terminal(farm).type("apply", "-f", written(studio_folder, "brand.yaml", [_brand()]))
    farm.set_status("BrandProject", "default", "stable-socks", studio.ready("v1"))
    screen = _plan(farm, studio_folder, _brand(**spec))
    assert screen.startswith("~ brandproject/stable-socks\n")
    assert ("trains v2" in screen) is trains
    assert ("trains nothing: v1" in screen) is not trains


def test_another_picture_is_another_version(farm: FakeFarm, studio_folder: Path) -> None:
    Terminal(farm).type("apply", "-f", written(studio_folder, "brand.yaml", [_brand()]))
    farm.set_status("BrandProject", "default", "stable-socks", studio.ready("v1"))
    (studio_folder / "shots" / "new.png").write_bytes(b"new")
    screen = _plan(farm, studio_folder, _brand())
    assert "trains v2 on 11 pictures" in screen
    assert "dataset.source: " in screen


def test_odd_captions_and_too_few_pictures_are_said_aloud(farm: FakeFarm, studio_folder: Path) -> None:
    shots = studio_folder / "shots"
    (shots / "0.txt").unlink()
    (shots / "1.txt").write_text("a photo of a sock")
    for number in range(4, 10):
        (shots / f"{number}.png").unlink()
    screen = _plan(farm, studio_folder, _brand())
    assert "Warning: 1 pictures have no caption, first 0.png" in screen
    assert "Warning: 1 captions do not say stblsx, first 1.txt" in screen
    assert "Warning: 4 pictures; at least 8 are needed" in screen


def test_a_campaign_that_stands_is_not_drawn_again(farm: FakeFarm, studio_folder: Path) -> None:
    Terminal(farm).type("apply", "-f", written(studio_folder, "campaign.yaml", [builders.campaign()]))
    farm.set_status("Campaign", "default", "spring", studio.drawing())
    assert lines(_plan(farm, studio_folder, builders.campaign())) == [
        "= campaign/spring",
        "    draws nothing anew: it is Generating",
        "",
        "Nothing would be trained or drawn. Nothing was changed.",
    ]


def test_an_unknown_brand_is_said_aloud(farm: FakeFarm, studio_folder: Path) -> None:
    assert "of stable-socks at 0.9, which the farm does not know" in _plan(farm, studio_folder, builders.campaign())


def test_a_look_that_combines_brands_names_each(farm: FakeFarm, studio_folder: Path) -> None:
    look = {
        "brand": "stable-socks",
        "version": "v2",
        "with": [{"brand": "film-noir", "version": "v7", "strength": 0.4}],
    }
    told = _plan(farm, studio_folder, builders.campaign(looks=[look]))
    assert "of stable-socks v2 with film-noir v7 at 0.4" in told


def test_a_base_that_is_not_in_the_catalogue_exits_with_2(farm: FakeFarm, studio_folder: Path) -> None:
    path = written(studio_folder, "brand.yaml", [_brand(base={"name": "huge"})])
    shown = Terminal(farm).type("plan", "-f", path)
    assert shown.code == 2
    assert re.search(r"brand\.yaml:1:\d+: spec\.base\.name: found 'huge'; write one of: tiny", shown.err)


def test_figures_for_scripts(farm: FakeFarm, studio_folder: Path) -> None:
    path = written(studio_folder, "plan.yaml", [_brand(), builders.campaign(), builders.review()])
    found = json.loads(Terminal(farm).type("plan", "-f", path, "-o", "json").out)
    assert [(one["kind"], one["change"], one["steps"], one["shots"]) for one in found] == [
        ("BrandProject", "create", 300, 0),
        ("Campaign", "create", 400, 20),
        ("Review", "create", 0, 0),
    ]
