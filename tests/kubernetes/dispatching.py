"""A dispatcher that a real API server can pass questions on to: its HTTP face on an address of this machine that is not loopback,
which an API server never dials for a Service, and the Service that leads there.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import uvicorn

from cluster.api import create_app
from cluster.clocks import MachineClock
from cluster.engine import Engine, Pace
from cluster.folder_store import FolderStore
from cluster.local_fleet import LocalFleet
from cluster.worker import Worker
from tests.fakes.workbench import FakeWorkbench
from tests.tools.kube_api import KubeApi

QUICK = Pace(poll=0.05, breath=0.0, fleet=0.01, tick=0.01, away=0.01)


def own_address() -> str:
    """An IPv4 address of this machine beside loopback."""
    found = [one.address for ones in psutil.net_if_addrs().values() for one in ones if one.family is socket.AF_INET]
    beyond = [address for address in found if not address.startswith(("127.", "169.254."))]
    assert beyond, "an API server passes nothing on to loopback: these tests need a machine with another address"
    return beyond[0]


@contextmanager
def answering(folder: Path, token: str) -> Iterator[tuple[str, int]]:
    """A dispatcher in charge of one idle worker, in a thread; its address and port."""
    store = FolderStore(folder)
    engine = Engine(LocalFleet([Worker("w1", lambda: FakeWorkbench(store, 5))]), store, MachineClock(), QUICK)
    listening = socket.create_server((own_address(), 0))
    server = uvicorn.Server(
        uvicorn.Config(create_app(engine, token), lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=lambda: asyncio.run(_serve(server, engine, listening)), daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[:2]
    finally:
        server.should_exit = True
        thread.join()


async def _serve(server: uvicorn.Server, engine: Engine, listening: socket.socket) -> None:
    working = asyncio.create_task(engine.run())
    await server.serve(sockets=[listening])
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


def lead_to(api: KubeApi, namespace: str, service: str, address: str, port: int) -> None:
    """A Service that leads to that address. The proxy only dials a pod's own address, so a pod says that it has this one."""
    pod = {"kind": "Pod", "namespace": namespace, "name": f"{service}-pod"}
    metadata = {"name": service, "namespace": namespace}
    ports = [{"name": "http", "port": port, "protocol": "TCP"}]
    documents = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata | {"name": pod["name"]},
            "spec": {"containers": [{"name": "dispatcher", "image": "none"}]},
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}},
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": metadata,
            "subsets": [{"addresses": [{"ip": address, "targetRef": pod}], "ports": ports}],
        },
    ]
    api.kubectl("apply", "-f", "-", input="\n---\n".join(map(json.dumps, documents)))
    status = {"status": {"podIP": address, "podIPs": [{"ip": address}]}}
    patch = ("--subresource=status", "--type=merge", "-p", json.dumps(status))
    api.kubectl("-n", namespace, "patch", "pod", pod["name"], *patch)
