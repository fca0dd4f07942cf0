"""A small brand on a real MinIO server, from pictures in a bucket to a pulled campaign, typed verb by verb; nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from minio import Minio

from jobs.identity import digest_of
from tests.tools.minio import MinioServer

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "stable-socks" / "shots"
PICTURES = 10
BRAND: dict[str, Any] = {
    "apiVersion": "brandfarm.dev/v1alpha1",
    "kind": "BrandProject",
    "metadata": {"name": "stable-socks", "namespace": "studio-a"},
    "spec": {
        "concept": "product",
        "trigger": "stblsx",
        "class": "sock",
        "dataset": {"source": "s3://pictures/socks/", "rights": {"owner": "Studio A", "basis": "owned"}},
        "base": {"name": "tiny"},
        "recipe": {"rank": 4, "steps": 4, "resolution": 64, "batch": 2, "seed": 7, "prior": 0, "sampleEvery": 0},
        "judge": {
            "prompts": ["a photo of a stblsx sock on the beach"],
            "seeds": [7],
            "sampler": {"name": "ddim", "steps": 2, "guidance": 2.0},
        },
        "gate": {"approvals": 1},
    },
}
CAMPAIGN: dict[str, Any] = {
    "apiVersion": "brandfarm.dev/v1alpha1",
    "kind": "Campaign",
    "metadata": {"name": "spring", "namespace": "studio-a"},
    "spec": {
        "looks": [{"brand": "stable-socks"}],
        "shots": {
            "prompts": ["a photo of a {trigger} {class} {place}"],
            "variables": {"place": ["on the beach", "on the grass"]},
            "sizes": ["64x64"],
            "seeds": {"start": 1, "count": 1},
        },
        "sampler": {"name": "ddim", "steps": 2, "guidance": 2.0},
    },
}


class Studio:
    """A person's terminal on a home of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "farm"

    def type(self, *words: str, code: int = 0) -> str:
        """Runs one verb; its data. The exit code must be the one expected."""
        command = [sys.executable, "-P", "-m", "cli", *words, "--home", str(self.home)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, env=environment)
        assert done.returncode == code, f"brandfarm {words[0]} ended with {done.returncode}: {done.stderr[-4000:]}"
        return done.stdout

    def processes(self) -> list[psutil.Process]:
        """What still runs for this home: by what it was started with, or by the home that its environment names."""
        return [one for one in psutil.process_iter() if _belongs(one, str(self.home))]


def _belongs(process: psutil.Process, home: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return home in " ".join(process.cmdline()) or process.environ().get("BRANDFARM_HOME") == home
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    (tmp_path / "studio.yaml").write_text(f"{json.dumps(BRAND)}\n---\n{json.dumps(CAMPAIGN)}\n")
    made = Studio(tmp_path)
    yield made
    made.type("down")


@pytest.fixture
def server(minio_server: MinioServer) -> Minio:
    """The server's own client, with the studio's pictures in a bucket that is not the farm's."""
    keys = {"access_key": minio_server.access_key, "secret_key": minio_server.secret_key}
    client = Minio(minio_server.endpoint, **keys, secure=False)
    if not client.bucket_exists("pictures"):
        client.make_bucket("pictures")
    for number in range(1, PICTURES + 1):
        for path in EXAMPLE.glob(f"{number:02d}.*"):
            client.fput_object("pictures", f"socks/{path.name}", str(path))
    return client


@pytest.mark.minio
@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_brand_goes_from_a_bucket_to_a_pulled_campaign(
    studio: Studio, server: Minio, minio_server: MinioServer
) -> None:
    address = minio_server.url_with_credentials("studio-farm")
    studio.type("up", "--store", address, "--cpus", "1", "--threads", "1")
    studio.type("apply", "-f", "studio.yaml")
    studio.type("wait", "stable-socks", "--timeout", "5m", code=7)
    project = json.loads(studio.type("status", "stable-socks", "-o", "json"))
    assert project["status"]["dataset"]["images"] == PICTURES
    studio.type("approve", "stable-socks", "v1")
    studio.type("wait", "campaign/spring", "--timeout", "5m")
    studio.type("campaign", "pull", "spring", "--to", "spring")
    studio.type("down")

    pulled = json.loads((studio.folder / "spring" / "manifest.json").read_text())
    assert [one["prompt"].rpartition(" ")[2] for one in pulled] == ["beach", "grass"]
    for one in pulled:
        data = (studio.folder / "spring" / one["file"]).read_bytes()
        assert digest_of(data) == one["sha256"]
        kept = server.stat_object("studio-farm", f"cas/sha256/{one['sha256'][:2]}/{one['sha256']}")
        assert kept.size == len(data)
    assert not studio.home.joinpath("store").exists()
    assert not [path for path in studio.home.glob("logs/*.log") if minio_server.secret_key in path.read_text()]
    assert studio.processes() == []
