"""Opens the store that an address names. Imports the MinIO client only for an address that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from cluster import store_url
from cluster.farm_home import FarmHome
from cluster.folder_store import FolderStore
from jobs.ports import ObjectStore


def open_store(url: str, *, access_key: str = "", secret_key: str = "", may_make: bool = True) -> ObjectStore:
    """The store at `folder:///path`, a plain path, `minio://...` or `http(s)://...`; credentials may come apart.

    may_make: a folder that is not there is made; a farm at work says no, or a moved store would go on as an empty one.

    Raises StoreError for an address that names no store, StoreUnavailable where it cannot be reached.
    """
    address = store_url.parse(url, access_key=access_key, secret_key=secret_key)
    if isinstance(address, store_url.FolderUrl):
        return FolderStore(address.root, may_make=may_make)
    from cluster.minio_store import MinioStore  # half a second and forty modules: only for those who use it

    return MinioStore(address)


def open_existing(url: str, *, access_key: str = "", secret_key: str = "") -> ObjectStore:
    """The store at an address, neither folder nor bucket made. Raises as `open_store` does."""
    address = store_url.parse(url, access_key=access_key, secret_key=secret_key)
    if isinstance(address, store_url.FolderUrl):
        return FolderStore(address.root, may_make=False)
    from cluster.minio_store import MinioStore

    return MinioStore(address, may_make=False)


@contextmanager
def another(store: ObjectStore) -> Iterator[ObjectStore]:
    """A second client of a store, closed at the end; it shares no connection with the first, and makes nothing."""
    if isinstance(store, FolderStore):
        yield FolderStore(store.root, may_make=False)
        return
    from cluster.minio_store import MinioStore

    assert isinstance(store, MinioStore), f"no way is known to open {store} again"
    with closing(MinioStore(store.url, may_make=False)) as second:
        yield second


def open_of_home(home: FarmHome) -> ObjectStore:
    """The store of a farm on this machine; its folder is made once, and never again. Raises as `open_store` does."""
    opened = open_store(home.store_url(), may_make=not home.store_mark.exists())
    home.store_mark.touch(mode=0o600)
    return opened
