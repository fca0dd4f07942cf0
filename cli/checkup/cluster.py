"""The farm of a cluster: its definitions, chart, controller, dispatcher and workers, each against this command's release; the
store; and what the person who asks may do there.

Only looks. What this person may not see is not proven rather than failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import Any

from cli.checkup import farm as of_farm
from cli.checkup import powers
from cli.checkup.finding import Finding, failed, not_proven, passed, warned
from cli.kube_farm import KubeFarm
from cluster.documents import Document
from cluster.kube.client import KubeClient
from cluster.kube.installed import CHOSEN_BY, Installed
from cluster.kube.paths import PLURALS
from cluster.ports import Summary
from jobs.errors import FarmError, Forbidden, NotFound, Unauthorized
from jobs.manifests.crd import crd_of

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
VERSION, PART = "app.kubernetes.io/version", "app.kubernetes.io/component"
UPGRADE = "`helm upgrade` with the chart of this release; or install the brandfarm that the farm has on this machine."
ASK = "Ask whoever runs the cluster; what you may do there is below."


def findings(farm: KubeFarm) -> list[Finding]:
    """All of a cluster's farm, in order; only the first where the cluster itself does not answer."""
    try:
        person = farm.person()
        reached = passed("cluster", f"{farm.place} at {farm.ask(_server)}, as {person}")
    except FarmError as error:
        return [failed("cluster", f"{farm.place}: {error.message}", error.hint)]
    return [reached, *(definition(farm, kind) for kind in PLURALS), *_of_the_chart(farm, person)]


def _of_the_chart(farm: KubeFarm, person: str) -> Iterator[Finding]:
    try:
        found = farm.installed()
    except FarmError as error:
        yield (not_proven if isinstance(error, Forbidden) else failed)("chart", error.message, error.hint)
        yield from powers.findings(farm, None, person)
        return
    yield release("chart", found.version, f"{found}")
    yield controller(farm, found)
    yield from pods(farm, found)
    yield from answers(farm)
    yield from store(farm)
    yield from powers.findings(farm, found, person)


async def _server(client: KubeClient) -> str:
    version = await client.get("/version")
    return f"{client.server}, Kubernetes {version.get('gitVersion', '?')}"


def release(name: str, version: str, told: str) -> Finding:
    """Whether a part is of the release of this command."""
    ours = metadata.version("brandfarm")
    if version == ours:
        return passed(name, f"{told}, {version}")
    return warned(name, f"{told} is {version or 'of no release that it tells'}, and this command is {ours}", UPGRADE)


def definition(farm: KubeFarm, kind: str) -> Finding:
    """Whether the cluster's definition of a kind judges as this release does."""
    wanted = crd_of(kind)
    name = wanted["metadata"]["name"]
    try:
        live = farm.ask(lambda client: client.get(f"{DEFINITIONS}/{name}"))
    except NotFound:
        return failed(name, "it is not defined, so nothing can be applied", "Install the brandfarm chart.")
    except (Forbidden, Unauthorized):
        return _unseen_definition(farm, kind, name)
    told = live["metadata"].get("labels", {}).get(VERSION, "")
    if not _is_established(live):
        return failed(name, "it is defined, and the API server does not serve it", f"kubectl describe crd {name}")
    if _schema(live) != _schema(wanted):
        of = f"of {told}" if told else "of another release"
        return warned(name, f"it is {of}: fields or rules differ from this command's", UPGRADE)
    return passed(name, f"defined as this release has it{f', {told}' if told else ''}")


def _unseen_definition(farm: KubeFarm, kind: str, name: str) -> Finding:
    """Definitions are for administrators to read; that a kind is served, anybody sees by asking for one that is not there."""
    try:
        farm.documents(kind, farm.usual_namespace)
    except NotFound as absent:
        return failed(name, absent.message, absent.hint)
    except FarmError:
        return not_proven(name, "you may not read definitions, nor list what there is of this kind", ASK)
    return not_proven(name, "it is served; whether it is of this release, only an administrator sees")


def _is_established(live: Document) -> bool:
    conditions = live.get("status", {}).get("conditions", ())
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def _schema(definition: Document) -> list[Any]:
    """What judges documents; columns and names do not."""
    return [[one["name"], one["schema"]] for one in definition["spec"]["versions"]]


def controller(farm: KubeFarm, found: Installed) -> Finding:
    """Whether the controller runs, and is of this release."""
    path = f"/apis/apps/v1/namespaces/{found.namespace}/deployments/{found.controller}"
    logs = f"`kubectl -n {found.namespace} logs deployment/{found.controller}` says why."
    try:
        live = farm.ask(lambda client: client.get(path))
    except Forbidden:
        return not_proven("controller", f"you may not read deployments in namespace {found.namespace}", ASK)
    except FarmError as error:
        return failed("controller", error.message, error.hint)
    ready, wanted = live.get("status", {}).get("readyReplicas", 0), live["spec"].get("replicas", 1)
    if not ready:
        return failed(
            "controller", f"{found.controller}: none of {wanted} pods is ready, so no manifest is looked at", logs
        )
    return release("controller", _version_of(live), f"{found.controller}, {ready} of {wanted} ready")


def pods(farm: KubeFarm, found: Installed) -> list[Finding]:
    """The pods of dispatcher and workers: whether they are ready, and of this release."""
    path = f"/api/v1/namespaces/{found.namespace}/pods"
    try:
        listed = farm.ask(lambda client: client.get(path, labelSelector=CHOSEN_BY))["items"]
    except Forbidden:
        return [not_proven("pods", f"you may not list pods in namespace {found.namespace}", ASK)]
    except FarmError as error:
        return [failed("pods", error.message, error.hint)]
    return [
        _part(found, part, [one for one in listed if _labels(one).get(PART) == part])
        for part in ("dispatcher", "worker")
    ]


def _part(found: Installed, part: str, listed: list[Document]) -> Finding:
    name = f"{part} pods"
    if not listed and part == "worker" and not found.raycluster:
        return passed(name, "none of the chart's own: the farm uses a Ray cluster that is there")
    if not listed:
        step = f"`kubectl -n {found.namespace} get raycluster,pods` shows what KubeRay has made of {found.raycluster or 'Ray'}."
        return (failed if part == "dispatcher" else warned)(name, "there are none", step)
    waiting = [one["metadata"]["name"] for one in listed if not _is_ready(one)]
    if waiting:
        step = f"`kubectl -n {found.namespace} describe pod {waiting[0]}` says why."
        return warned(name, f"{len(waiting)} of {len(listed)} are not ready: {', '.join(sorted(waiting))}", step)
    versions = sorted({_version_of(one) for one in listed})
    others = [one for one in versions if one != metadata.version("brandfarm")]
    return release(name, others[0] if others else versions[0], f"{len(listed)} ready")


def _is_ready(pod: Document) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _labels(document: Document) -> dict[str, str]:
    return dict(document["metadata"].get("labels", {}))


def _version_of(document: Document) -> str:
    return _labels(document).get(VERSION, "")


def answers(farm: KubeFarm) -> list[Finding]:
    """Whether the dispatcher answers through the API server, and which workers it has."""
    try:
        summary = farm.summary()
    except FarmError as error:
        return [failed("dispatcher", error.message, error.hint)]
    told = f"it answers, epoch {summary.epoch}; {summary.waiting} jobs wait, {summary.leased} are under way"
    return [passed("dispatcher", told), workers(summary)]


def workers(summary: Summary) -> Finding:
    """Who could work now; none may be right where groups grow with the work."""
    alive = [one for one in summary.workers if one.alive]
    if not alive and summary.waiting:
        step = "Groups that grow take minutes; `kubectl get pods` shows whether new ones find a node."
        return warned("workers", f"none is alive, and {summary.waiting} jobs wait", step)
    if not alive:
        return passed("workers", "none now, and nothing waits")
    return passed("workers", ", ".join(f"{one.name} ({one.gpu_class or 'not known yet'})" for one in alive))


def store(farm: KubeFarm) -> list[Finding]:
    """The quick proof of the store as this person reaches it, and whether this release reads its records."""
    try:
        return [*of_farm.proof(farm.store, str(farm.store)), of_farm.readable(farm.store)]
    except FarmError as error:
        return [warned("store", error.message, error.hint)]
