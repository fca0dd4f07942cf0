"""The store of a farm on Kubernetes as a person reaches it: by their own words first, else by what the chart and its Secret say."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from cluster import stores
from cluster.kube.installed import Installed
from jobs.errors import FarmError, Forbidden, NotFound, StoreError, StoreUnavailable
from jobs.ports import ObjectStore

STORE, ACCESS_KEY, SECRET_KEY = "BRANDFARM_STORE", "BRANDFARM_STORE_ACCESS_KEY", "BRANDFARM_STORE_SECRET_KEY"

Find = Callable[[], Installed]
Secret = Callable[[Installed, str], Mapping[str, str]]
"""What a Secret of the farm holds, by its name. Raises NotFound, Forbidden."""


def open_store(said: Mapping[str, str], find: Find, secret: Secret) -> ObjectStore:
    """The store; `said` are a person's own words, as environment variables. The farm is looked for only where they are missing.

    Raises StoreError where its address or its keys are, StoreUnavailable where it cannot be reached.
    """
    address = said.get(STORE) or _address(_found(find))
    access, key = said.get(ACCESS_KEY, ""), said.get(SECRET_KEY, "")
    if not (access and key) and _wants_keys(address):
        access, key = _keys(address, _found(find), secret)
    return stores.open_existing(address, access_key=access, secret_key=key)


def _found(find: Find) -> Installed:
    try:
        return find()
    except (Forbidden, NotFound) as missing:
        raise StoreError(
            f"Nobody says where the store is: {missing.message}",
            hint=f"Name it yourself: {STORE}=https://HOST:PORT/BUCKET, with {ACCESS_KEY} and {SECRET_KEY}.",
        ) from missing


def _address(found: Installed) -> str:
    endpoint = (found.store_public_endpoint or found.store_endpoint).rstrip("/")
    _require_known_name(endpoint, found)
    return f"{endpoint}/{found.store_bucket}" + (f"?region={found.store_region}" if found.store_region else "")


def _require_known_name(endpoint: str, found: Installed) -> None:
    """Raises StoreUnavailable where the only address is one that leads somewhere inside the cluster alone."""
    parts = urlsplit(endpoint)
    try:
        socket.getaddrinfo(parts.hostname, None)
    except (OSError, ValueError) as unknown:
        service = (parts.hostname or "").partition(".")[0]
        raise StoreUnavailable(
            f"The store of {found} is at {endpoint}, a name that this machine does not know.",
            hint=f"Set the chart's store.publicEndpoint; or `kubectl -n {found.namespace} port-forward service/{service} 9000` "
            f"and {STORE}=http://localhost:9000/{found.store_bucket}.",
        ) from unknown


def _wants_keys(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme not in ("", "folder") and not parts.username


def _keys(address: str, found: Installed, secret: Secret) -> tuple[str, str]:
    try:
        held = secret(found, found.store_secret)
        return held[found.store_secret_access_key], held[found.store_secret_secret_key]
    except (Forbidden, NotFound, KeyError) as missing:
        told = missing.message if isinstance(missing, FarmError) else f"it has no key {missing}."
        raise StoreError(
            f"There are no keys for the store at {urlsplit(address).netloc}: {ACCESS_KEY} and {SECRET_KEY} are not set, "
            f"and Secret {found.namespace}/{found.store_secret} does not tell them: {told}",
            hint=f"Ask whoever runs the store for keys of your own, and set {ACCESS_KEY} and {SECRET_KEY}.",
        ) from missing
