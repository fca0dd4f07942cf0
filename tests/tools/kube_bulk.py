"""Thousands of objects in the tests' API server within seconds: written straight into its etcd, as the server itself keeps them.

A server takes some hundred creations a second on an ordinary machine; etcd takes ten thousand puts in one or two.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from jobs.manifests import API_VERSION
from tests.tools.kube_api import KubeApi, KubectlFailed

AT_ONCE = 100
"""Puts in one transaction; etcd takes 128 of them, and 1.5 MiB."""

SHOWN_SECONDS = 120.0

Document = dict[str, Any]


def copies(document: Document, names: Iterable[str]) -> Iterator[Document]:
    """The document under other names, each an object of its own; everything else stays as the server keeps it."""
    kept = {key: value for key, value in document["metadata"].items() if key != "resourceVersion"}
    for name in names:
        yield document | {"metadata": kept | {"name": name, "uid": str(uuid.uuid4())}}


def plant(api: KubeApi, plural: str, documents: Iterable[Document]) -> None:
    """Puts custom objects of one kind where the server looks for them, and returns once it shows them; it tells those who watch.

    A server that is stopped shows them when it is started again.
    """
    waiting = iter(documents)
    while some := list(islice(waiting, AT_ONCE)):
        puts = [{"requestPut": {"key": _coded(_key(plural, one)), "value": _coded(json.dumps(one))}} for one in some]
        _ask(api, "txn", {"success": puts})
    if api.server is not None:
        wait_until_shown(api, plural)


def wait_until_shown(api: KubeApi, plural: str) -> None:
    """The server answers lists from what it remembers of etcd, and refuses them (504) while that lags behind."""
    until = time.monotonic() + SHOWN_SECONDS
    while True:
        try:
            api.kubectl("get", "--raw", f"/apis/{API_VERSION}/{plural}?limit=1")
            return
        except KubectlFailed:
            if time.monotonic() > until:
                raise


def uproot(api: KubeApi, plural: str, namespace: str) -> None:
    """Drops all objects of a kind in a namespace."""
    prefix = f"{_place(plural)}/{namespace}/"
    _ask(api, "deleterange", {"key": _coded(prefix), "range_end": _coded(prefix[:-1] + "0")})


def _key(plural: str, document: Document) -> str:
    return f"{_place(plural)}/{document['metadata']['namespace']}/{document['metadata']['name']}"


def _place(plural: str) -> str:
    return f"/registry/brandfarm.dev/{plural}"


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _ask(api: KubeApi, what: str, body: Document) -> None:
    url = f"http://127.0.0.1:{api.etcd.port}/v3/kv/{what}"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=60) as answer:
        answer.read()
