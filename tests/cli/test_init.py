"""A first manifest for a folder of pictures: found words, told oddities, and a file that `plan` accepts at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from cli import beginning, documents
from cli.demo import Demo
from cluster.folder_store import FolderStore
from jobs.manifests import BrandProject
from tests.cli.terminal import Shown, Terminal
from tests.fakes.farm import FakeFarm

SHOTS = Path(__file__).resolve().parents[2] / "examples" / "stable-socks" / "shots"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(FakeFarm(FolderStore(tmp_path / "store"), kept=False))


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Ten of the example's pictures, with their captions."""
    folder = tmp_path / "studio" / "shots"
    folder.mkdir(parents=True)
    for number in range(1, 11):
        for kind in ("png", "txt"):
            shutil.copy(SHOTS / f"{number:02d}.{kind}", folder)
    return folder


def begin(terminal: Terminal, shots: Path, *words: str, name: str = "stable-socks") -> Shown:
    return terminal.type("init", name, "--from", str(shots), "--to", str(written(shots)), *words, columns=200)


def written(shots: Path) -> Path:
    return shots.parent / "brand.yaml"


def brand(shots: Path) -> BrandProject:
    (read,) = documents.read_manifests(written(shots))
    assert isinstance(read.model, BrandProject)
    return read.model


def test_what_is_written_is_planned_at_once(terminal: Terminal, shots: Path) -> None:
    shown = begin(terminal, shots, "-o", "table", "--owner", "Studio A: socks", "-n", "studio-a")
    assert shown.code == 0
    assert shown.out.startswith(f"brandproject/stable-socks written to {written(shots)}\n")
    assert "trigger   stblsx: the rare word of all 10 captions" in shown.out
    assert f"Next: `brandfarm plan -f {written(shots)}`" in shown.err
    spec = brand(shots).spec
    assert (spec.trigger, spec.class_name, spec.dataset.source) == ("stblsx", "sock", "./shots")
    assert (spec.dataset.rights.owner, brand(shots).metadata.namespace) == ("Studio A: socks", "studio-a")
    assert (spec.recipe.steps, spec.recipe.resolution, spec.judge.seeds) == (200, 64, (7, 21, 42))
    assert len(spec.judge.prompts) == 4
    assert 3 <= len(spec.judge.palette) <= 5
    planned = terminal.type("plan", "-f", str(written(shots)), "-o", "json")
    assert [one["steps"] for one in json.loads(planned.out)] == [200]


def test_a_manifest_that_is_there_is_kept(terminal: Terminal, shots: Path) -> None:
    written(shots).write_text("mine")
    refused = begin(terminal, shots)
    assert (refused.code, written(shots).read_text()) == (1, "mine")
    assert "or write over it with --force" in refused.err
    assert begin(terminal, shots, "--force").code == 0
    assert brand(shots).metadata.name == "stable-socks"


def test_missing_captions_are_named_and_begun_where_asked(terminal: Terminal, shots: Path) -> None:
    for name in ("01.txt", "02.txt"):
        (shots / name).unlink()
    kept = (shots / "03.txt").read_text()
    told = json.loads(begin(terminal, shots, "-o", "json").out)
    assert {one["about"]: one["files"] for one in told["noticed"]}["uncaptioned"] == ["01.png", "02.png"]
    assert "# - 2 pictures are without a caption (01.png, 02.png)." in written(shots).read_text()
    begun = json.loads(begin(terminal, shots, "--captions", "--force", "-o", "json").out)
    assert begun["captionsWritten"] == ["01.txt", "02.txt"]
    assert (shots / "01.txt").read_text() == "a photo of a stblsx sock\n"
    assert (shots / "03.txt").read_text() == kept
    assert "uncaptioned" not in {one["about"] for one in begun["noticed"]}


def test_without_captions_the_words_come_from_the_name(terminal: Terminal, shots: Path) -> None:
    for caption in shots.glob("*.txt"):
        caption.unlink()
    shown = begin(terminal, shots, name="harbour-mugs")
    assert "the same command with `--captions --force`" in shown.err
    assert (brand(shots).spec.trigger, brand(shots).spec.class_name) == ("hrbrmgs", "mug")


def test_captions_in_a_listing_count(terminal: Terminal, shots: Path) -> None:
    lines = [{"file_name": f"{one.stem}.png", "text": one.read_text()} for one in sorted(shots.glob("*.txt"))]
    (shots / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    for caption in shots.glob("*.txt"):
        caption.unlink()
    told = json.loads(begin(terminal, shots, "-o", "json").out)
    assert told["trigger"] == {"word": "stblsx", "why": "the rare word of all 10 captions"}
    assert [one["about"] for one in told["noticed"]] == ["few"]


def test_junk_is_named_and_stays_within_its_comment(terminal: Terminal, shots: Path) -> None:
    (shots / "broken.png").write_bytes((SHOTS / "11.png").read_bytes()[:200])
    (shots / "odd\nname: x.png").write_bytes((SHOTS / "12.png").read_bytes())
    (shots / "notes.doc").write_text("")
    Image.new("RGB", (40, 20), (2, 2, 2)).save(shots / "night.png")
    told = {one["about"]: one["files"] for one in json.loads(begin(terminal, shots, "-o", "json").out)["noticed"]}
    assert told["unreadable"] == ["broken.png"]
    assert told["dark"] == told["small"] == told["long"] == ["night.png"]
    assert told["aside"] == ["notes.doc"]
    assert "odd?name: x.png" in written(shots).read_text()
    assert brand(shots).spec.recipe.resolution == 64


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--trigger", "sock"), 2, "tiny has a meaning for sock already"),
        (("--class", "{thing}"), 2, "spec.class"),
        (("--base", "huge"), 2, "The catalogue has no base model named 'huge'."),
        (("--from", "./nowhere"), 2, "nowhere does not exist."),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    terminal: Terminal, shots: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    shown = begin(terminal, shots, *words)
    assert (shown.code, shown.out, said in shown.err) == (code, "", True), shown.err
    assert not written(shots).exists()


def test_a_name_that_no_brand_can_have_and_an_empty_folder(terminal: Terminal, shots: Path, tmp_path: Path) -> None:
    assert "such as stable-socks" in begin(terminal, shots, name="Socks!").err
    (tmp_path / "empty").mkdir()
    shown = begin(terminal, tmp_path / "empty")
    assert (shown.code, "PNG, JPEG, WebP, TIFF and BMP are read" in shown.err) == (3, True)


def test_a_plain_install_says_what_it_lacks(terminal: Terminal, shots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "LIBRARIES", ("numpy", "a_library_that_nobody_has"))
    shown = begin(terminal, shots)
    assert (shown.code, "uv tool install 'brandfarm[worker]'" in shown.err) == (1, True)


def test_a_demo_shows_its_store_without_the_keys(tmp_path: Path) -> None:
    tour = Demo(tmp_path, lambda _: None, "minio://lead:hush@localhost:9000/demo")
    assert tour.shown("minio://lead:hush@localhost:9000/demo") == "http://localhost:9000/demo"
    assert tour.shown("--store") == "--store"
