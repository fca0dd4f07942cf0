"""A farm that a chart installed, as whoever stands outside finds it: what its ConfigMap says, and the Secrets it names.

Knows nothing of manifests, and asks neither dispatcher nor store.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from cluster.documents import Document
from cluster.kube.client import KubeClient
from jobs.errors import FarmError, Forbidden, NotFound

CHOSEN_BY = "app.kubernetes.io/part-of=brandfarm"
ENDING = "-farm"
USUAL = "brandfarm"
"""How a farm is called, and its namespace, where nobody chose another name."""


@dataclass(frozen=True)
class Installed:
    """What a farm's ConfigMap says. `name` is the prefix of all that belongs to it; what it does not say is empty."""

    name: str
    namespace: str
    version: str = ""
    dispatcher_service: str = ""
    dispatcher_secret: str = ""
    dispatcher_secret_key: str = ""
    store_endpoint: str = ""
    store_public_endpoint: str = ""
    store_region: str = ""
    store_bucket: str = ""
    store_secret: str = ""
    store_secret_access_key: str = ""
    store_secret_secret_key: str = ""
    controller: str = ""
    raycluster: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


async def find(client: KubeClient, said: str = "") -> Installed:
    """The farm in a namespace, as `NAMESPACE/NAME` where it has several; without a word the only one of the cluster.

    Raises NotFound where there is none, or several; Forbidden where this person may not look.
    """
    namespace, _, name = said.partition("/")
    if name:
        return _read(await client.get(f"{_config_maps(namespace)}/{name}{ENDING}"))
    return _only(await _candidates(client, namespace), namespace)


async def secret(client: KubeClient, namespace: str, name: str) -> dict[str, str]:
    """What a Secret holds. Raises NotFound, Forbidden."""
    found = await client.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
    return {key: base64.b64decode(value).decode() for key, value in found.get("data", {}).items()}


async def _candidates(client: KubeClient, namespace: str) -> list[Installed]:
    """The farms that this person sees: by a search, or where that is not allowed, under the usual names."""
    try:
        listed = await client.get(_config_maps(namespace), labelSelector=CHOSEN_BY)
    except Forbidden:
        return await _usual(client, [namespace] if namespace else sorted({client.namespace, USUAL}))
    return [_read(one) for one in listed["items"] if one["metadata"]["name"].endswith(ENDING)]


async def _usual(client: KubeClient, namespaces: Iterable[str]) -> list[Installed]:
    """The farm under its usual name. Raises Forbidden where no namespace may even be asked for it."""
    refused: FarmError | None = None
    found = []
    for namespace in namespaces:
        try:
            found.append(_read(await client.get(f"{_config_maps(namespace)}/{USUAL}{ENDING}")))
        except NotFound:
            continue
        except Forbidden as no:
            refused = no
    if refused is not None and not found:
        raise Forbidden(
            f"You may not look for the farm: {refused.message}",
            hint="Ask for the Role NAME-caller in the farm's namespace, and name it: --farm-namespace NAMESPACE/NAME.",
        ) from refused
    return found


def _only(found: list[Installed], namespace: str) -> Installed:
    where = f"in namespace {namespace}" if namespace else "in this cluster"
    if not found:
        raise NotFound(
            f"No farm is installed {where}: no ConfigMap that ends in {ENDING} has the label {CHOSEN_BY}.",
            hint="Install one with the brandfarm chart, or name its namespace with --farm-namespace.",
        )
    if len(found) > 1:
        raise NotFound(
            f"There are {len(found)} farms {where}: {', '.join(map(str, found))}.",
            hint=f"Say which with --farm-namespace, such as --farm-namespace {found[0]}.",
        )
    return found[0]


def _read(document: Document) -> Installed:
    """What a ConfigMap says; a newer chart's further words are left out."""
    metadata, told = document["metadata"], document.get("data", {})
    known = {key: told.get(key.replace("_", "-"), "") for key in Installed.__dataclass_fields__}
    named = {"name": metadata["name"].removesuffix(ENDING), "namespace": metadata["namespace"]}
    return Installed(**{**known, **named})


def _config_maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps" if namespace else "/api/v1/configmaps"
