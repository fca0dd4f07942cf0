"""What a studio asks of the farm in these tests: the two example brands, and smaller ones that are soon trained."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import yaml
from minio import Minio
from minio.versioningconfig import ENABLED, VersioningConfig

from tests.whole.site import STUDIO, Site

EXAMPLES = Path(__file__).parents[2] / "examples"
BRANDS = ("stable-socks", "harbour-mugs")
BUCKET = "pictures"
PROBE = "onlooker/probe"

Document = dict[str, Any]


def bring_pictures(site: Site) -> None:
    """The examples' pictures, each brand's under a prefix of a bucket that is not the farm's."""
    client = _client(site)
    client.make_bucket(BUCKET)
    for brand in BRANDS:
        for path in sorted((EXAMPLES / brand / "shots").iterdir()):
            client.fput_object(BUCKET, f"{brand}/{path.name}", str(path))


def keep_every_writing(site: Site) -> None:
    """The bucket remembers what is overwritten, so that a record that was written twice is seen afterwards."""
    client = _client(site)
    client.set_bucket_versioning("brandfarm", VersioningConfig(ENABLED))
    for _ in range(2):
        client.put_object("brandfarm", PROBE, BytesIO(b"twice"), 5)
    client.remove_object("brandfarm", PROBE)
    assert writings(site)[f"/{PROBE}"] == 2, "what is written twice is seen"


def writings(site: Site) -> dict[str, int]:
    """How often each thing that must be written once was written, by key."""
    counted: dict[str, int] = {}
    for one in _client(site).list_objects("brandfarm", recursive=True, include_version=True):
        if not one.is_delete_marker:
            counted[f"/{one.object_name}"] = counted.get(f"/{one.object_name}", 0) + 1
    return counted


def example(brand: str) -> Document:
    """An example's manifest, its pictures in the bucket."""
    document = _read(EXAMPLES / brand / "brand.yaml")
    document["spec"]["dataset"]["source"] = f"s3://{BUCKET}/{brand}"
    return document


def campaign_of_both() -> Document:
    """The examples' campaign: 80 images."""
    return _read(EXAMPLES / "spring-nightly.yaml")


def review(project: str, version: str, by: str) -> Document:
    """A lead's yes."""
    name = f"{project}-{version}-yes"
    spec = {"by": by, "project": project, "version": version, "verdict": "approve"}
    return {
        "apiVersion": "brandfarm.dev/v1alpha1",
        "kind": "Review",
        "metadata": {"name": name, "namespace": STUDIO},
        "spec": spec,
    }


def brand(name: str, like: str, steps: int, seed: int) -> Document:
    """One that needs nobody's yes, trained for so many steps."""
    document = example(like)
    document["metadata"]["name"] = name
    spec = document["spec"]
    spec["recipe"] |= {"steps": steps, "seed": seed, "sampleEvery": steps}
    spec["judge"] |= {"prompts": spec["judge"]["prompts"][:2], "seeds": [7]}
    spec["gate"] = {"approvals": 0}
    return document


def with_pictures_beside(site: Site, name: str, like: str, steps: int, seed: int) -> str:
    """A manifest's file for the CLI, which brings the pictures in the folder beside it to the store."""
    folder = site.folder / name
    shutil.copytree(EXAMPLES / like / "shots", folder / "shots")
    document = brand(name, like, steps, seed)
    document["spec"]["dataset"]["source"] = "./shots"
    (folder / "brand.yaml").write_text(yaml.safe_dump(document))
    return str(folder / "brand.yaml")


def campaign(name: str, looks: list[str], seeds: int, start: int = 1_000) -> Document:
    """Every brand on every one of five places, so many times, from a seed on that no other campaign uses."""
    document = campaign_of_both()
    document["metadata"]["name"] = name
    spec = document["spec"]
    spec["looks"] = [{"brand": look} for look in looks]
    spec["shots"]["variables"]["light"] = ["morning sun"]
    spec["shots"]["seeds"] = {"start": start, "count": seeds}
    spec["limits"]["shots"] = 5 * seeds * len(looks)
    return document


def every_minute(name: str, looks: list[str]) -> Document:
    """A campaign of ten images for each look whose nights begin every minute; nights after the first find them in the store."""
    document = campaign(name, looks, 2, start=seed_of(name))
    document["spec"]["schedule"] = {"cron": "* * * * *", "timeZone": "Europe/Berlin", "window": "10m"}
    return document


def seed_of(name: str) -> int:
    """Seeds of its own for a campaign: its pictures must be drawn, not found."""
    return 10_000 + crc32(name.encode()) % 1_000_000


def _client(site: Site) -> Minio:
    access, secret = site.store_keys
    return Minio(site.store_endpoint, access_key=access, secret_key=secret, secure=False)


def _read(path: Path) -> Document:
    document: Document = yaml.safe_load(path.read_text())
    return document
