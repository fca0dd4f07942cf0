"""`brandfarm export` leaves with a version as proven files, and says in words why it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import save

from cluster.folder_store import FolderStore
from jobs import blobs
from jobs.adapters.layout import Layout
from jobs.bases import catalogue
from tests.cli.sheet.studio import Studio
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm

TINY = catalogue.by_name("tiny").digest
JUDGE = {"prompts": ["a photo of a stblsx sock on the beach"], "seeds": [7], "sampler": {"steps": 2}}


def trained(folder: Path, adapter: str = "", **status: str) -> Terminal:
    """A terminal at a farm whose stable-socks has v1, trained on the tiny base."""
    studio = Studio(FolderStore(folder / "store"), judge=JUDGE).references("a stblsx sock, on grass")
    fields = {"base": TINY, "rank": 2, "recipe": {"rank": 2, "alpha": 1.0, "steps": 30}}
    studio.version(1, state="approved", **(fields | ({"adapter": adapter} if adapter else {})))
    farm = FakeFarm(studio.store, up=False)
    farm.create(studio.document)
    farm.set_status("BrandProject", "default", "stable-socks", {**studio.document["status"], **status})
    return Terminal(farm)


def an_adapter(folder: Path) -> str:
    """A random adapter of the tiny base, in the store that `trained` opens."""
    import torch

    from jobs.bases import loading

    torch.set_num_threads(1)
    layout = Layout.of(loading.load(catalogue.by_name("tiny")).unet, "attention", 2)
    row = torch.randn(layout.width, generator=torch.Generator().manual_seed(1)) * 0.2
    tensors = {name: tensor.contiguous() for name, tensor in layout.unpack(row, 2, layout.names).items()}
    return blobs.put(FolderStore(folder / "store"), save(tensors))


def test_the_serving_version_leaves_as_proven_files_from_a_farm_that_is_down(tmp_path: Path) -> None:
    terminal = trained(tmp_path, an_adapter(tmp_path), serving="v1")
    shown = terminal.type("export", "stable-socks", "--to", str(tmp_path / "out"), "-o", "json")
    assert shown.code == 0
    said = json.loads(shown.out)
    assert [one["target"] for one in said["proven"]] == ["ComfyUI, A1111, InvokeAI", "diffusers", "Kohya", "LUT"]
    assert said["proven"][0]["alpha"] == [1.0]
    assert set(said["files"]) >= {"stable-socks-v1.safetensors", "stable-socks-v1.cube", "samples/contact-sheet.png"}
    assert "proving the Kohya file" in shown.err
    again = terminal.type("export", "stable-socks", "--to", str(tmp_path / "out"))
    assert (again.code, again.out) == (1, "")
    assert "earlier export" in again.err
    assert "--force" in again.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("stable-socks",), 7, "No version of stable-socks serves yet; there are: v1."),
        (("stable-socks", "v9"), 3, "has no version v9"),
        (("rye-gin",), 3, "There is no BrandProject rye-gin"),
        (("stable-socks", "v1", "--format", "onnx"), 2, "'onnx' is not one of"),
        (("stable-socks", "v1", "--strength", "0"), 2, "is not in the range"),
        (("stable-socks", "v1"), 1, "Nothing stands under"),  # an adapter that the store has lost
    ],
)
def test_what_cannot_leave_is_said_and_writes_nothing(
    words: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    shown = trained(tmp_path).type("export", *words, "--to", str(tmp_path / "out"), columns=200)
    assert (shown.code, shown.out) == (code, "")
    assert said in shown.err
    assert not (tmp_path / "out").exists()


def test_without_torch_it_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['torch'] = None; from cli import exporting\n"
        "try: exporting.leave(None, None, (), None, False, print)\n"
        "except exporting.WorkshopMissing as missing: print(missing.message, missing.hint)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "torch is not installed" in ended.stdout
    assert "brandfarm[worker]" in ended.stdout
