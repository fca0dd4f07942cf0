"""The check of the store on a real MinIO server: it passes, and it sees what a bucket's settings would do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from minio.versioningconfig import VersioningConfig

from cluster import store_doctor, store_sweep, stores
from cluster.clocks import MachineClock
from cluster.minio_store import MinioStore
from cluster.store_doctor import Finding, Verdict
from jobs import blobs
from jobs.errors import StoreError
from tests.cluster import stored_farm
from tests.cluster.test_store_sweep import swept
from tests.tools.minio import MinioServer

pytestmark = pytest.mark.minio


@pytest.fixture
def store(minio_server: MinioServer, bucket_name: str) -> Iterator[MinioStore]:
    with closing(MinioStore(minio_server.url_with_credentials(bucket_name))) as opened:
        yield opened


@pytest.fixture
def admin(minio_server: MinioServer) -> Minio:
    return Minio(minio_server.endpoint, minio_server.access_key, minio_server.secret_key, secure=False)


def examined(store: MinioStore, *, whole: bool) -> dict[str, Finding]:
    with stores.another(store) as second:
        found = store_doctor.examine(store, second, MachineClock(), whole=whole)
    return {one.name: one for one in found}


def test_a_real_server_keeps_everything_that_the_farm_is_built_on(store: MinioStore) -> None:
    found = examined(store, whole=True)
    assert {name for name, one in found.items() if one.verdict is Verdict.FAILED} == set()
    assert {name for name, one in found.items() if one.verdict is Verdict.NOT_PROVEN} == {"free space"}
    assert found["foreign prefix"].found == "6 of 6 ways refused, and its own prefix works"
    assert list(store.list("")) == []


def test_looking_at_a_bucket_that_is_not_there_makes_none(
    minio_server: MinioServer, bucket_name: str, admin: Minio
) -> None:
    store = stores.open_existing(minio_server.url_with_credentials(bucket_name))
    assert isinstance(store, MinioStore)
    with closing(store):
        found = examined(store, whole=False)
    assert found["one winner"].verdict is Verdict.FAILED
    assert not admin.bucket_exists(bucket_name)


def test_a_rule_that_lets_the_farms_objects_expire_fails_the_quick_check(store: MinioStore, admin: Minio) -> None:
    rules = [
        Rule(ENABLED, rule_filter=Filter(prefix=prefix), rule_id=name, expiration=Expiration(days=30))
        for name, prefix in (("caches", "cache/"), ("blobs", "cas/"))
    ]
    admin.set_bucket_lifecycle(store.url.bucket, LifecycleConfig(rules))
    found = examined(store, whole=False)
    assert found["expiry"].found == "objects expire below 'cas/'"
    admin.set_bucket_lifecycle(store.url.bucket, LifecycleConfig(rules[:1]))
    assert examined(store, whole=False)["expiry"].verdict is Verdict.PASSED


def test_a_bucket_that_keeps_deleted_versions_is_told_of(store: MinioStore, admin: Minio) -> None:
    admin.set_bucket_versioning(store.url.bucket, VersioningConfig(ENABLED))
    assert store.settings().keeps_versions
    assert not store.settings().is_locked


def test_a_lock_that_forbids_deleting_is_told_of(minio_server: MinioServer, bucket_name: str, admin: Minio) -> None:
    from minio.commonconfig import GOVERNANCE
    from minio.objectlockconfig import DAYS, ObjectLockConfig

    admin.make_bucket(bucket_name, object_lock=True)
    admin.set_object_lock_config(bucket_name, ObjectLockConfig(GOVERNANCE, 1, DAYS))
    with closing(MinioStore(minio_server.url_with_credentials(bucket_name))) as opened:
        assert opened.settings().is_locked


def test_lent_credentials_touch_their_prefix_only_and_may_not_ask_for_settings(store: MinioStore) -> None:
    store.put("other/a", b"x")
    with closing(store.scoped("own/")) as lent:
        lent.put("own/a", b"mine")
        assert list(lent.list("own/")) == ["own/a"]
        for attempt in (lambda: lent.get("other/a"), lambda: list(lent.list("")), lambda: lent.settings()):
            with pytest.raises(StoreError, match="AccessDenied"):
                attempt()


def test_a_store_at_an_address_is_not_made_where_it_is_missing(minio_server: MinioServer, bucket_name: str) -> None:
    missing = stores.open_existing(minio_server.url_with_credentials(bucket_name))
    assert isinstance(missing, MinioStore)
    with closing(missing), pytest.raises(StoreError, match="NoSuchBucket"):
        list(missing.list(""))


def test_a_sweep_of_a_bucket_drops_what_is_nobodys(store: MinioStore) -> None:
    stored_farm.brand(store, "socks", trained=False)
    before = set(store.list(""))
    orphan = blobs.put(store, b"nobody's")
    without_grace = store_sweep.Ages(grace=0)
    assert swept(store, ages=without_grace) == []
    assert [one.is_gone for one in swept(store, ages=without_grace)] == [True]
    assert not blobs.exists(store, orphan)
    assert {key for key in store.list("") if not key.startswith("sweep/")} == before
