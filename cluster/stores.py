"""Opens the store that an address names. Imports the MinIO client only for an address that needs it."""

from __future__ import annotations

from cluster import store_url
from cluster.folder_store import FolderStore
from jobs.ports import ObjectStore


def open_store(url: str, *, access_key: str = "", secret_key: str = "") -> ObjectStore:
    """The store at `folder:///path`, a plain path, `minio://...` or `http(s)://...`; credentials may come apart.

    Raises StoreError for an address that names no store, StoreUnavailable where it cannot be reached.
    """
    address = store_url.parse(url, access_key=access_key, secret_key=secret_key)
    if isinstance(address, store_url.FolderUrl):
        return FolderStore(address.root)
    from cluster.minio_store import MinioStore  # half a second and forty modules: only for those who use it

    return MinioStore(address)
