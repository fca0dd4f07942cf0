"""What a person may do on a cluster's farm, need by need, as the API server itself says. Tries nothing out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cli.checkup.finding import Finding, failed, passed, warned
from cli.kube_farm import KubeFarm
from cluster.kube import rights
from cluster.kube.client import KubeClient
from cluster.kube.installed import ENDING, Installed
from cluster.kube.rights import Right
from cluster.kube.service_proxy import PORT
from jobs.manifests import API_VERSION

GROUP = API_VERSION.partition("/")[0]
KINDS = ("brandprojects", "campaigns", "reviews")


@dataclass(frozen=True)
class Need:
    """What a person wants to do, the rights that it takes, and the role of the chart that gives them."""

    purpose: str
    rights: tuple[Right, ...]
    role: str
    kind: str = "clusterrole"
    namespace: str = ""


def findings(farm: KubeFarm, found: Installed | None, person: str) -> list[Finding]:
    """A finding for each need."""
    return [_finding(farm, need, person) for need in _needs(farm.usual_namespace, found)]


def _needs(namespace: str, found: Installed | None) -> Sequence[Need]:
    def ours(*verbs: str, of: Sequence[str]) -> tuple[Right, ...]:
        return tuple(Right(verb, resource, GROUP, namespace) for resource in of for verb in verbs)

    needs = [
        Need("see", ours("get", "list", of=KINDS), "brandfarm-view", namespace=namespace),
        Need("apply", ours("create", "update", "delete", of=KINDS[:2]), "brandfarm-edit", namespace=namespace),
        Need("review", ours("create", of=("reviews",)), "brandfarm-lead", namespace=namespace),
    ]
    return [*needs, _asking(found)] if found else needs


def _asking(found: Installed) -> Need:
    """What asking the dispatcher takes: workers, queue, cancel, retry, why."""
    place, proxied = found.namespace, f"{found.dispatcher_service}:{PORT}"
    wanted = (
        Right("get", "configmaps", namespace=place, name=f"{found.name}{ENDING}"),
        Right("get", "secrets", namespace=place, name=found.dispatcher_secret),
        Right("get", "services/proxy", namespace=place, name=proxied),
        Right("create", "services/proxy", namespace=place, name=proxied),
    )
    return Need("ask the dispatcher", wanted, f"{found.name}-caller", "role", place)


def _finding(farm: KubeFarm, need: Need, person: str) -> Finding:
    async def missing(client: KubeClient) -> list[Right]:
        return [right for right in need.rights if not await rights.may(client, right)]

    name, lacks = f"may {need.purpose}", farm.ask(missing)
    where = f"in namespace {need.namespace}"
    if not lacks:
        return passed(name, f"{person} may, {where}")
    told = f"{person} may not {', '.join(map(str, lacks))} {where}"
    bind = f"kubectl -n {need.namespace} create rolebinding {need.role} --{need.kind}={need.role} --user={person}"
    step = f"Whoever runs the cluster gives it: `{bind}`."
    return (failed if need.purpose == "see" else warned)(name, told, step)
