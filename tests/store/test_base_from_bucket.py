"""A base model from a prefix of a bucket, on a real MinIO server, into the farm's store and onto a worker's disk."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from cluster.base_sources import open_source
from cluster.minio_store import MinioStore
from jobs.bases import adding, catalogue
from jobs.bases.adding import Terms
from jobs.bases.on_disk import BasesOnDisk
from jobs.errors import SourceUnreadable
from tests import models
from tests.builders import NOON
from tests.tools.minio import MinioServer

pytestmark = pytest.mark.minio


def test_the_tiny_base_goes_through_a_bucket_and_is_still_itself(minio_server: MinioServer, tmp_path: Path) -> None:
    name = f"models-{secrets.token_hex(6)}"
    with_models = MinioStore(minio_server.url_with_credentials(name))
    for path in models.TINY.rglob("*"):
        if path.is_file() and path.name != "model.bin":
            with_models.put(f"base/tiny-v2/{path.relative_to(models.TINY).as_posix()}", path.read_bytes())
    with_models.put("base/tiny-v2/unet/config.json", b"\n" + (models.TINY / "unet" / "config.json").read_bytes())
    store = MinioStore(minio_server.url_with_credentials(f"farm-{secrets.token_hex(6)}"))
    try:
        source = open_source(store, f"s3://{name}/base/tiny-v2", None)
        base = adding.add(store, source, Terms("ink", "MIT", commercial=True), tmp_path / "staging", NOON).base
        entry = BasesOnDisk(store, tmp_path / "cache").entry(base.digest)
        assert base.digest != catalogue.by_name("tiny").digest
        assert catalogue._tree_digest(entry.folder) == base.digest
        assert base.source == f"s3://{name}/base/tiny-v2/"
        assert list((tmp_path / "staging").iterdir()) == []
        with pytest.raises(SourceUnreadable, match="There are no files below"):
            open_source(store, f"s3://{name}/nothing", None).files()
    finally:
        with_models.close()
        store.close()
