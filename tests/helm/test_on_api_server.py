"""The chart on a real API server: every object is accepted, every pod is restricted, and rights are exactly what they must be."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.clocks import MachineClock
from cluster.kube.client import KubeClient
from cluster.kube.events import EventRecorder
from cluster.kube.lease import Leadership
from cluster.kube.manifests import KubeManifests
from tests import builders
from tests.helm import kuberay
from tests.helm.chart import CHART, CHOICES, FULLNAME, LAPTOP, NAME, NAMESPACE, Document, helm, pods, rendered
from tests.tools import build
from tests.tools.kube import KubeApi, KubectlFailed, kube_api

__all__ = ["kube_api"]

pytestmark = pytest.mark.kube

CONTROLLER = f"system:serviceaccount:{NAMESPACE}:{FULLNAME}-controller"
MONITORS = {"ServiceMonitor"}  # the Prometheus operator's, whose definitions are not ours to bring
ESTABLISHED_SECONDS = 60


@pytest.fixture(scope="module")
def cluster(kube_api: KubeApi) -> Iterator[KubeApi]:
    """The API server with KubeRay's kinds and the farm's, and the namespaces of a farm and of two studios."""
    kube_api.kubectl("apply", "--server-side", "-f", str(kuberay.crd()))
    for name in (NAMESPACE, "studio-a", "studio-b"):
        kube_api.namespace(name)
    kube_api.kubectl(
        "label", "namespace", NAMESPACE,
        "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce-version=latest",
    )  # fmt: skip
    apply(kube_api, [one for one in rendered(*LAPTOP) if one["kind"] == "CustomResourceDefinition"])
    kube_api.kubectl("wait", "--for=condition=Established", "crd", "--all", f"--timeout={ESTABLISHED_SECONDS}s")
    yield kube_api
    for name in (NAMESPACE, "studio-a", "studio-b"):
        kube_api.kubectl("delete", "namespace", name, "--wait=false")


def apply(api: KubeApi, documents: list[Document], *more: str) -> str:
    return api.kubectl(
        "apply", "--server-side", "--validate=strict", "-f", "-", *more, input=yaml.safe_dump_all(documents)
    )


@pytest.mark.parametrize("choice", CHOICES.values(), ids=list(CHOICES))
def test_the_server_takes_every_object_as_it_stands(cluster: KubeApi, choice: tuple[str, ...]) -> None:
    """The definitions, which are the same in all and large, were taken before."""
    documents = [one for one in rendered(*choice) if one["kind"] not in {*MONITORS, "CustomResourceDefinition"}]
    said = apply(cluster, documents, "--dry-run=server")
    assert len(said.splitlines()) == len(documents)


def test_every_pod_may_run_where_security_is_restricted(cluster: KubeApi) -> None:
    apply(cluster, [one for one in rendered(*LAPTOP) if one["kind"] == "ServiceAccount"])
    tried = [
        as_pod(f"tried-{number}-{name}", pod)
        for number, choice in enumerate(CHOICES.values())
        for name, pod in pods(rendered(*choice)).items()
    ]
    assert len(apply(cluster, tried, "--dry-run=server").splitlines()) == len(tried)
    privileged = as_pod("tried-too-much", pods(rendered(*LAPTOP))["controller"])
    privileged["spec"] = {**privileged["spec"], "hostNetwork": True}
    with pytest.raises(KubectlFailed, match='violates PodSecurity "restricted'):
        apply(cluster, [privileged], "--dry-run=server")


def as_pod(name: str, pod: Document) -> Document:
    """A pod as its controller would make it: with the volume that a StatefulSet claims, without classes that are not here."""
    spec = {key: value for key, value in pod["spec"].items() if key not in ("priorityClassName", "runtimeClassName")}
    held = {volume["name"] for volume in spec["volumes"]}
    if any(mount["name"] == "objects" for mount in spec["containers"][0]["volumeMounts"]) and "objects" not in held:
        spec["volumes"] = [*spec["volumes"], {"name": "objects", "emptyDir": {}}]
    metadata = {"name": name, "namespace": NAMESPACE, "labels": pod["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


MANIFESTS = {
    "brandprojects.brandfarm.dev": {"get", "list", "watch"},
    "campaigns.brandfarm.dev": {"get", "list", "watch", "create", "update", "delete"},
    "reviews.brandfarm.dev": {"get", "list", "watch"},
    "brandprojects/status.brandfarm.dev": {"patch"},
    "campaigns/status.brandfarm.dev": {"patch"},
    "events.events.k8s.io": {"create", "patch"},
}
LEASE = {
    "leases.coordination.k8s.io": {"create"},
    f"leases.coordination.k8s.io {FULLNAME}-controller": {"get", "update"},
}


@pytest.mark.parametrize(("name", "rights"), [
    ("laptop", {NAMESPACE: MANIFESTS | LEASE, "default": MANIFESTS}),
    ("two namespaces", {NAMESPACE: LEASE, "studio-b": MANIFESTS, "default": {}}),
])  # fmt: skip
def test_the_controller_may_do_exactly_what_it_must(cluster: KubeApi, name: str, rights: dict[str, Any]) -> None:
    granted = [one for one in rendered(*CHOICES[name]) if one["kind"] in RIGHTS or one["kind"] == "ServiceAccount"]
    apply(cluster, granted)
    try:
        for namespace, expected in rights.items():
            require_rights(cluster, CONTROLLER, namespace, expected)
    finally:
        bindings = [one for one in granted if one["kind"] in RIGHTS]
        cluster.kubectl("delete", "-f", "-", input=yaml.safe_dump_all(bindings))


RIGHTS = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


def require_rights(api: KubeApi, who: str, namespace: str, expected: dict[str, Any]) -> None:
    """One may do exactly this, once the server has read what was applied and deleted last."""
    given_up = time.monotonic() + ESTABLISHED_SECONDS
    while (found := rights_of(api, who, namespace)) != expected and time.monotonic() < given_up:
        time.sleep(0.2)
    assert found == expected, (who, namespace)


def rights_of(api: KubeApi, who: str, namespace: str) -> dict[str, set[str]]:
    """What one may do in a namespace beyond what anybody may who is known to the server."""
    anybody = _rules(api, "nobody", "default")
    return {thing: verbs for thing, verbs in _rules(api, who, namespace).items() if anybody.get(thing) != verbs}


def _rules(api: KubeApi, who: str, namespace: str) -> dict[str, set[str]]:
    asked = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    how = ("create", "--validate=false", "-f", "-", "-o", "json", "--as", who)
    rules: dict[str, set[str]] = {}
    for rule in json.loads(api.kubectl(*how, input=json.dumps(asked)))["status"]["resourceRules"]:
        for resource in rule.get("resources", []):
            for group in rule.get("apiGroups", []):
                for name in rule.get("resourceNames", [""]):
                    thing = f"{resource}{f'.{group}' if group else ''} {name}".strip()
                    rules.setdefault(thing, set()).update(rule["verbs"])
    return rules


LOOKING = {f"{plural}.brandfarm.dev": {"get", "list", "watch"} for plural in ("brandprojects", "campaigns", "reviews")}
EDITING = {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
PEOPLE = {
    "brandfarm-view": LOOKING,
    "brandfarm-edit": LOOKING | {"brandprojects.brandfarm.dev": EDITING, "campaigns.brandfarm.dev": EDITING},
    "brandfarm-lead": LOOKING | {"reviews.brandfarm.dev": {"get", "list", "watch", "create"}},
}


def test_people_may_do_exactly_what_their_role_says(cluster: KubeApi) -> None:
    apply(cluster, [one for one in rendered(*LAPTOP) if one["metadata"]["name"] in PEOPLE])
    for role in PEOPLE:
        cluster.kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}", "-n", "studio-a")
    for role, expected in PEOPLE.items():
        require_rights(cluster, role, "studio-a", expected)


REVIEW = {
    "apiVersion": "brandfarm.dev/v1alpha1",
    "kind": "Review",
    "metadata": {"generateName": "stable-socks-v3-", "namespace": "studio-b"},
    "spec": {"by": "lead@studio", "project": "stable-socks", "version": "v3", "verdict": "approve"},
}


def test_nobody_reviews_in_another_s_name(cluster: KubeApi) -> None:
    policy = [one for one in rendered(*LAPTOP) if one["kind"].startswith("ValidatingAdmissionPolicy")]
    apply(cluster, policy)
    try:
        told = until_refused(cluster, "somebody@studio")
        assert "spec.by must be somebody@studio, who makes this Review." in told
        own = cluster.kubectl("create", "-f", "-", "-o", "name", *as_user("lead@studio"), input=json.dumps(REVIEW))
        assert own.startswith("review.brandfarm.dev/stable-socks-v3-")
    finally:  # other tests of this server review in any name
        cluster.kubectl("delete", "-f", "-", input=yaml.safe_dump_all(policy))


def as_user(name: str) -> tuple[str, ...]:
    """An administrator, so that only the policy can refuse."""
    return ("--as", name, "--as-group", "system:masters")


def until_refused(api: KubeApi, who: str) -> str:
    """What the policy says, once the server has taken notice of it: that takes a moment."""
    until = time.monotonic() + ESTABLISHED_SECONDS
    while time.monotonic() < until:
        try:
            api.kubectl("create", "--dry-run=server", "-f", "-", *as_user(who), input=json.dumps(REVIEW))
        except KubectlFailed as refused:
            return str(refused)
        time.sleep(0.2)
    raise AssertionError("the policy refused nobody")


def test_kubeconform_knows_every_object(cluster: KubeApi, tmp_path: Path) -> None:
    """By the schemas that this server publishes, so that nothing is downloaded."""
    write_schemas(json.loads(cluster.kubectl("get", "--raw", "/openapi/v2")), tmp_path)
    every = {json.dumps(one, sort_keys=True) for choice in CHOICES.values() for one in rendered(*choice)}
    documents = [one for one in map(json.loads, every) if one["kind"] not in MONITORS]
    where = str(tmp_path / "{{.ResourceKind}}{{.KindSuffix}}.json")
    command = [str(build.binary("kubeconform")), "-strict", "-summary", "-schema-location", where]
    done = subprocess.run(command, input=yaml.safe_dump_all(documents), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Valid: {len(documents)}," in done.stdout


def write_schemas(openapi: Any, folder: Path) -> None:
    """A file for every kind as kubeconform looks for it; fields that a definition does not name are refused."""
    known = openapi["definitions"]
    for one in known.values():
        if one.get("format") == "int-or-string":
            del one["type"]
        if "properties" in one and "x-kubernetes-preserve-unknown-fields" not in one:
            one.setdefault("additionalProperties", False)
    (folder / "all.json").write_text(json.dumps({"definitions": known}))
    for name, one in known.items():
        for kind in one.get("x-kubernetes-group-version-kind", []):
            parts = [kind["kind"], kind["group"].split(".")[0], kind["version"]]
            path = folder / f"{'-'.join(part for part in parts if part).lower()}.json"
            path.write_text(json.dumps({"$ref": f"all.json#/definitions/{name}"}))


def test_under_the_chart_s_account_all_that_the_controller_does_is_allowed(
    cluster: KubeApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.kube.events.PATIENCE_SECONDS", 60.0)
    granted = [one for one in rendered(*LAPTOP) if one["kind"] in RIGHTS or one["kind"] == "ServiceAccount"]
    apply(cluster, granted)
    kubeconfig = cluster.service_account(NAMESPACE, f"{FULLNAME}-controller")
    require_rights(cluster, CONTROLLER, NAMESPACE, MANIFESTS | LEASE)
    asyncio.run(_live_as_a_controller(kubeconfig))
    assert "event not written" not in capsys.readouterr().out  # an event that is refused stops nobody, and is told
    events = json.loads(cluster.kubectl("get", "events.events.k8s.io", "-n", "studio-a", "-o", "json"))["items"]
    assert [one["reason"] for one in events] == ["Begun"]


async def _live_as_a_controller(kubeconfig: Path) -> None:
    """Every verb that the Kubernetes ports have for a controller, once: whatever is refused raises."""
    async with KubeClient.of_kubeconfig(kubeconfig) as client, asyncio.TaskGroup() as together:
        manifests = KubeManifests(client)
        following = together.create_task(manifests.run())
        night = await manifests.create(builders.campaign("nightly-20260701t0130", "studio-a"))
        name, uid = night["metadata"]["name"], night["metadata"]["uid"]
        changed = {**night, "metadata": {**night["metadata"], "annotations": {"brandfarm.dev/replaced-by": "next"}}}
        await manifests.replace(changed)
        await manifests.set_status("Campaign", "studio-a", name, uid, {"phase": "Drawing"})
        recorder = EventRecorder(client, MachineClock(), "controller-0")
        for _ in range(3):
            await recorder.tell(night, "Normal", "Begun", "It begins.")
        await manifests.delete("Campaign", "studio-a", name)
        leadership = Leadership(client, NAMESPACE, f"{FULLNAME}-controller", "controller-0", MachineClock())
        assert await leadership.win() >= 0
        await leadership.release()
        following.cancel()


BRAND = builders.project("kept-socks", "studio-b")


def test_an_upgrade_changes_no_secret_and_an_uninstall_leaves_the_brands(cluster: KubeApi) -> None:
    """Nothing runs here, so nothing is waited for; the kinds were applied by hand before, hence --take-ownership."""
    how = ("--namespace", NAMESPACE, "--kubeconfig", str(cluster.kubeconfig))
    install = ("upgrade", "--install", NAME, str(CHART), *LAPTOP, *how, "--take-ownership", "--force-conflicts")
    helm(*install)
    made = secrets_of(cluster)
    assert set(made) == {f"{FULLNAME}-{name}" for name in ("dispatcher-token", "ray-token", "minio")}
    cluster.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(BRAND))
    helm(*install, "--set", "controller.chunk=32")
    assert secrets_of(cluster) == made
    helm("uninstall", NAME, *how)
    assert cluster.kubectl("get", "deployments,rayclusters", "-n", NAMESPACE, "-o", "name") == ""
    assert "kept-socks" in cluster.kubectl("get", "brandprojects", "-n", "studio-b")
    assert secrets_of(cluster) == made
    helm(*install)
    assert secrets_of(cluster) == made
    helm("uninstall", NAME, *how)


def secrets_of(api: KubeApi) -> dict[str, Any]:
    """What the chart's Secrets hold, by name; Helm's own notes of its releases are Secrets too."""
    found = json.loads(api.kubectl("get", "secrets", "-n", NAMESPACE, "-o", "json"))["items"]
    return {one["metadata"]["name"]: one["data"] for one in found if one["type"] == "Opaque"}
