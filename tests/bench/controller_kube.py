"""The same ten thousand resting brands over a real API server, beside a laptop's manifests. `python -m tests.bench.controller_kube`.

The controller follows the server over TLS, writes events, and waits two seconds between two statuses of a brand, as its pod does;
who edits is another process with a connection of his own. The brands are the laptop's, put into etcd with all that kubectl and a
server note beside them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from functools import partial
from pathlib import Path

from cluster.clocks import MachineClock
from cluster.documents import Document
from cluster.folder_store import FolderStore
from cluster.kube import direct, paths
from cluster.kube.client import KubeClient
from cluster.kube.events import EventRecorder
from cluster.kube.manifests import CONTROLLER, KubeManifests
from cluster.kube.mirror import LAST_APPLIED
from cluster.local_manifests import LocalManifests
from jobs.manifests import crd
from operators.recorders import aside
from operators.surroundings import STATUS_SECONDS
from tests.bench import controller
from tests.bench.controller import BRANDS, EDITS, QUIET_SECONDS, Edits, Figures, Gate, Keeping
from tests.tools import kube_bulk
from tests.tools.kube_api import KubeApi, running

SPACE, BRAND = "default", "BrandProject"
PLURAL = paths.PLURALS[BRAND]


def main() -> None:
    """Print the figures over a server, those over a laptop's manifests, and their ratios."""
    brands = int(sys.argv[1]) if len(sys.argv) > 1 else BRANDS
    edits = min(EDITS, brands // 2)
    with tempfile.TemporaryDirectory(prefix="brandfarm-bench-") as name, controller.logging_to_nowhere():
        folder = Path(name)
        controller.apart(lambda: controller.fill(folder, brands))
        (folder / "kube").mkdir()
        with running(folder / "kube") as api:
            _move_in(api, folder)
            served = controller.apart(lambda: asyncio.run(_measured(api, folder, edits)))
        local = controller.apart(lambda: controller.measured_on_this_machine(folder, edits))
    print(
        f"Over a real API server that was asked before:\n{served}\n\nThe same brands over a laptop's manifests:\n{local}\n"
    )
    print(_ratios(served, local))


def _ratios(served: Figures, local: Figures) -> str:
    sync = served.sync_cpu / local.sync_cpu
    edit = served.steady.cpu / local.steady.cpu
    return f"CPU over a server to a laptop's: first sync {sync:.1f}, edits {edit:.1f}"


def _move_in(api: KubeApi, folder: Path) -> None:
    """Brings the farm's definitions and all brands; the server is away meanwhile, and reads them as it starts.

    It is asked for all of them once, as one that has run for a while was: it answers its first lists slowly.
    """
    definitions = {"apiVersion": "v1", "kind": "List", "items": list(crd.all_crds())}
    api.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(definitions))
    api.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    fields = controller.apart(lambda: asyncio.run(_managed_fields(api, folder)))
    api.stop_server()
    controller.apart(lambda: kube_bulk.plant(api, PLURAL, asyncio.run(_as_kept(folder, fields))))
    api.start_server()
    kube_bulk.wait_until_shown(api, PLURAL)
    api.kubectl("get", PLURAL, "--all-namespaces", "--output=name")


async def _managed_fields(api: KubeApi, folder: Path) -> list[Document]:
    """What a server notes of a brand that was applied with kubectl and whose status a controller said: of all brands the same."""
    (brand, *_) = await _laptops(folder)
    api.kubectl("apply", "-f", "-", input=json.dumps(direct.declared(brand)))
    name = brand["metadata"]["name"]
    path = paths.one(BRAND, SPACE, name)
    async with KubeClient.of_kubeconfig(api.kubeconfig) as client:
        head = {"apiVersion": brand["apiVersion"], "kind": BRAND, "metadata": {"name": name, "namespace": SPACE}}
        said = await client.apply(f"{path}/status", head | {"status": brand["status"]}, CONTROLLER)
        await client.delete(path)
    fields: list[Document] = said["metadata"]["managedFields"]
    return fields


async def _as_kept(folder: Path, fields: list[Document]) -> list[Document]:
    """The laptop's brands as an API server keeps them."""
    return [_kept(brand, fields) for brand in await _laptops(folder)]


def _kept(brand: Document, fields: list[Document]) -> Document:
    metadata = {key: value for key, value in brand["metadata"].items() if key != "resourceVersion"}
    applied = {LAST_APPLIED: json.dumps(direct.declared(brand))}
    return brand | {"metadata": metadata | {"annotations": applied, "managedFields": fields}}


async def _laptops(folder: Path) -> list[Document]:
    documents = LocalManifests(folder / "farm.sqlite")
    brands = await documents.list(BRAND)
    documents.close()
    return brands


async def _measured(api: KubeApi, folder: Path, edits: int) -> Figures:
    async with (
        KubeClient.of_kubeconfig(api.kubeconfig) as client,
        aside(EventRecorder(client, MachineClock(), "bench")) as recorder,
    ):
        documents = KubeManifests(client)
        keeping = Keeping(documents, partial(_edit_all, api.kubeconfig), documents.run, recorder, STATUS_SECONDS)
        return await controller.measured(keeping, FolderStore(folder / "store"), edits, QUIET_SECONDS)


def _edit_all(kubeconfig: Path, names: list[str], at_a_time: int, gate: Gate) -> Edits:
    return asyncio.run(_edited(kubeconfig, names, at_a_time, gate))


async def _edited(kubeconfig: Path, names: list[str], at_a_time: int, gate: Gate) -> Edits:
    async with KubeClient.of_kubeconfig(kubeconfig) as person:

        async def edit(name: str) -> int:
            written = await person.merge(paths.one(BRAND, SPACE, name), {"spec": {"gate": gate}})
            return int(written["metadata"]["generation"])

        return await controller.edited_as_fast_as_taken(names, at_a_time, edit)


if __name__ == "__main__":
    main()
