"""`brandfarm lineage` tells what made an image and what a photograph has touched, by the names people know."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli import png_texts
from cluster.folder_store import FolderStore
from jobs.datasets.decode import Decoded, Decoder
from jobs.errors import Corrupt
from jobs.finishing.png import encode_png
from jobs.generation import metadata
from tests import builders
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm
from tests.jobs import past


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def terminal(store: FolderStore) -> Terminal:
    return Terminal(FakeFarm(store))


def uid_of(terminal: Terminal, document: dict) -> str:
    return terminal.farm.create(document)["metadata"]["uid"]


def test_a_png_leads_to_its_brand_and_its_pictures(terminal: Terminal, store: FolderStore, tmp_path: Path) -> None:
    socks = past.brand(store, "socks", uid_of(terminal, builders.project()), "heel", "toe")
    recipe = past.campaign(store, "uid-9", socks.adapter).shot(0).recipe
    file = tmp_path / "one.png"
    file.write_bytes(encode_png(np.zeros((8, 8, 3), np.uint8), metadata.texts(recipe)))
    shown = terminal.type("lineage", str(file), "-o", "table", columns=120)
    assert shown.code == 0
    for told in ("default/stable-socks v1 at 0.5", "2 pictures", "s3://studio/socks/", "a heel", "prompt  a sock"):
        assert told in shown.out
    by_hash = json.loads(terminal.type("lineage", recipe.hash[:10], "-o", "json").out)
    assert by_hash["adapters"][0]["versions"][0]["project"] == "default/stable-socks"


def test_a_photograph_leads_to_its_versions_and_campaigns(
    terminal: Terminal, store: FolderStore, tmp_path: Path
) -> None:
    file = tmp_path / "heel.png"
    Image.fromarray(np.full((16, 16, 3), 99, np.uint8)).save(file)
    with Decoder() as decoder:
        decoded = decoder.decode(file.read_bytes())
    assert isinstance(decoded, Decoded)
    brand_uid, campaign_uid = (uid_of(terminal, one) for one in (builders.project(), builders.campaign()))
    socks = past.brand(store, "socks", brand_uid, "heel")
    picture = past.Picture(image=socks.dataset, pixels=decoded.pixels, width=16, height=16, caption="a stblsx heel")
    again = past.retrained(store, brand_uid, picture)
    past.campaign(store, campaign_uid, again.adapter)
    shown = terminal.type("lineage", "--of", str(file), "-o", "table", columns=120)
    assert shown.code == 0
    for told in ("a stblsx heel", "default/stable-socks v2", "3 images of 4 in default/spring"):
        assert told in shown.out


def test_a_strange_photograph_is_said_to_be_nowhere(terminal: Terminal) -> None:
    shown = terminal.type("lineage", "--of", "0" * 64)
    assert (shown.code, shown.err.strip()) == (0, "Warning: No dataset of this store holds these pixels.")


@pytest.mark.parametrize("words", [(), ("a.png", "--of", "b.png")])
def test_one_question_at_a_time(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal.type("lineage", *words).code == 2


def test_what_is_no_image_of_the_farm_is_said(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "strange.png"
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(file)
    shown = terminal.type("lineage", str(file))
    assert shown.code != 0
    assert f"{file} holds no recipe." in shown.err
    assert "at least 8 digits" in terminal.type("lineage", "nowhere.png").err
    assert "No image has a recipe" in terminal.type("lineage", "abcdef0123").err


def test_texts_are_read_without_a_picture_library() -> None:
    texts = {"parameters": "a sock", "brandfarm": "靴下"}
    png = encode_png(np.zeros((8, 8, 3), np.uint8), texts)
    assert png_texts.read(png) == texts
    for broken in (b"", png[:40], png[:30] + b"x" + png[31:]):
        with pytest.raises(Corrupt):
            png_texts.read(broken)
