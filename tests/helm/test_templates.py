"""What the chart makes of its values, object by object."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.helm.chart import (
    CHART,
    CHOICES,
    FULLNAME,
    LAPTOP,
    NAMESPACE,
    STUDIO,
    THERE,
    containers,
    environment,
    helm,
    kinds,
    only,
    pods,
    rendered,
)

Documents = list[Any]


@pytest.fixture
def laptop() -> Documents:
    return rendered(*LAPTOP)


@pytest.fixture
def studio() -> Documents:
    return rendered(*STUDIO)


@pytest.fixture
def everything() -> Documents:
    return rendered(*CHOICES["everything"])


@pytest.fixture(params=["laptop", "studio"])
def preset(request: pytest.FixtureRequest) -> Documents:
    return rendered(*CHOICES[request.param])


@pytest.fixture(params=list(CHOICES))
def documents(request: pytest.FixtureRequest) -> Documents:
    return rendered(*CHOICES[request.param])


def ray(documents: Documents) -> Any:
    return only(documents, "RayCluster")["spec"]


def test_every_container_writes_nowhere_but_in_volumes_and_may_do_nothing_more(documents: Documents) -> None:
    for pod in pods(documents).values():
        assert pod["spec"]["enableServiceLinks"] is False
        for container in containers(pod).values():
            held = container["securityContext"]
            assert held["readOnlyRootFilesystem"] is True
            assert held["capabilities"] == {"drop": ["ALL"]}
            assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]} or container["name"] == "test"
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_only_the_controller_is_given_a_token_of_the_api(documents: Documents) -> None:
    given = {name for name, pod in pods(documents).items() if pod["spec"]["automountServiceAccountToken"]}
    assert given == {"controller"}


def test_no_secret_is_written_out_in_a_pod(documents: Documents) -> None:
    for pod in pods(documents).values():
        for container in containers(pod).values():
            told = {one["name"]: one for one in container.get("env", [])}
            secret = [name for name in told if name.endswith(("_KEY", "_TOKEN", "_PASSWORD", "_USER"))]
            assert all("secretKeyRef" in told[name]["valueFrom"] for name in secret)


def test_every_ray_process_has_the_token_and_the_same_health_settings(documents: Documents) -> None:
    ray_containers = [
        environment(container)
        for name, pod in pods(documents).items()
        for container in containers(pod).values()
        if name.startswith(("head", "worker-", "dispatcher"))
    ]
    assert len(ray_containers) >= 2
    assert {one["RAY_AUTH_MODE"] for one in ray_containers} == {"token"}
    assert len({one["RAY_AUTH_TOKEN"] for one in ray_containers}) == 1
    health = [{name: value for name, value in one.items() if name.startswith("RAY_health")} for one in ray_containers]
    assert health == [health[0]] * len(health)
    assert len(health[0]) == 2


def test_a_laptop_has_one_controller_a_store_of_its_own_and_no_autoscaler(laptop: Documents) -> None:
    assert only(laptop, "Deployment")["spec"]["replicas"] == 1
    assert "PodDisruptionBudget" not in kinds(laptop)
    assert only(laptop, "StatefulSet")["metadata"]["name"] == f"{FULLNAME}-minio"
    assert "enableInTreeAutoscaling" not in ray(laptop)
    assert "BRANDFARM_GROUPS" not in environment(containers(pods(laptop)["head"])["dispatcher"])


def test_a_studio_has_two_controllers_and_never_the_development_store(studio: Documents) -> None:
    assert only(studio, "Deployment")["spec"]["replicas"] == 2
    assert only(studio, "PodDisruptionBudget")["spec"]["minAvailable"] == 1
    assert "StatefulSet" not in kinds(studio)


def test_groups_that_may_grow_are_ray_s_to_count_and_bounded(studio: Documents) -> None:
    (l40s, h100) = ray(studio)["workerGroupSpecs"]
    assert (ray(studio)["enableInTreeAutoscaling"], ray(studio)["autoscalerOptions"]["version"]) == (True, "v2")
    assert (l40s["minReplicas"], l40s["maxReplicas"], h100["maxReplicas"]) == (0, 8, 4)
    assert "replicas" not in l40s
    told = json.loads(environment(containers(pods(studio)["head"])["dispatcher"])["BRANDFARM_GROUPS"])
    assert told["l40s"] == {"min": 0, "max": 8, "gpu": 1, "gpuClass": "l40s"}


def test_a_node_that_is_emptied_takes_one_worker_of_a_group_at_a_time() -> None:
    several = rendered(*LAPTOP, "--set", "ray.workers[0].min=3,ray.workers[0].max=5")
    spec = only(several, "PodDisruptionBudget")["spec"]
    assert spec["minAvailable"] == 2
    labels = pods(several)["worker-cpu"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() - {("ray.io/group", "cpu")} <= labels.items(), (
        "KubeRay adds the group's"
    )


def test_a_group_that_may_not_grow_has_its_number(laptop: Documents) -> None:
    assert ray(laptop)["workerGroupSpecs"][0]["replicas"] == 1


def test_a_gpu_group_asks_for_its_gpus_and_its_nodes(studio: Documents) -> None:
    pod = pods(studio)["worker-l40s"]["spec"]
    assert pod["containers"][0]["resources"]["limits"] == {"memory": "48Gi", "nvidia.com/gpu": 1}
    assert pod["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-L40S"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert ray(studio)["workerGroupSpecs"][0]["resources"] == {"gpu-class:l40s": "1", "GPU": "1"}


def test_ray_s_head_carries_no_work(studio: Documents) -> None:
    assert ray(studio)["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_the_dispatcher_is_restarted_beside_a_head_that_may_not_be(preset: Documents) -> None:
    pod = pods(preset)["head"]["spec"]
    (dispatcher,) = pod["initContainers"]
    assert (dispatcher["name"], dispatcher["restartPolicy"]) == ("dispatcher", "Always")
    assert "startupProbe" not in dispatcher  # Ray's head is started only after it
    assert "restartPolicy" not in pod


def test_the_dispatcher_can_join_ray_from_its_own_container(preset: Documents) -> None:
    pod = pods(preset)["head"]["spec"]
    both = containers(pods(preset)["head"])
    assert pod["shareProcessNamespace"] is True
    for place in ("/tmp", "/tmp/ray", "/dev/shm"):
        mounts = [
            next(one["name"] for one in both[name]["volumeMounts"] if one["mountPath"] == place)
            for name in ("dispatcher", "ray-head")
        ]
        assert mounts[0] == mounts[1]


def test_only_the_autoscaler_in_the_head_s_pod_may_speak_to_the_api(studio: Documents) -> None:
    pod = pods(studio)["head"]
    assert "api-access" in {volume["name"] for volume in pod["spec"]["volumes"]}
    assert "api-access" in {mount["name"] for mount in ray(studio)["autoscalerOptions"]["volumeMounts"]}
    for container in containers(pod).values():
        assert "api-access" not in {mount["name"] for mount in container["volumeMounts"]}


def test_a_worker_has_time_to_write_its_checkpoints(preset: Documents) -> None:
    for group in ray(preset)["workerGroupSpecs"]:
        pod = group["template"]["spec"]
        command = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        assert command[:3] == ["python", "-m", "cluster.drain"]
        ray_s_own = environment(pod["containers"][0])["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"]
        assert int(command[-1]) + int(ray_s_own) < pod["terminationGracePeriodSeconds"]


def test_the_dispatcher_joins_a_ray_cluster_that_is_there_as_a_node_without_work() -> None:
    documents = rendered(*STUDIO, "--set", f"ray.create=false,{THERE}")
    both = containers(pods(documents)["dispatcher"])
    assert "RayCluster" not in kinds(documents)
    assert environment(both["dispatcher"])["BRANDFARM_RAY_ADDRESS"] == "head.ray.svc:6379"
    assert environment(both["dispatcher"])["RAY_AUTH_TOKEN"] == "<ray-token>"
    assert "--num-cpus=0" in both["ray-node"]["args"][0]
    assert "--address=head.ray.svc:6379" in both["ray-node"]["args"][0]


def test_every_service_finds_a_pod_and_a_port_of_its(documents: Documents) -> None:
    for service in (one for one in documents if one["kind"] == "Service"):
        chosen = [
            pod
            for pod in pods(documents).values()
            if service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        ]
        assert len(chosen) == 1
        # An older Kubernetes knows the port of a container that is restarted beside others by its number only.
        ordinary = [port for one in chosen[0]["spec"]["containers"] for port in one.get("ports", [])]
        every = [port for one in containers(chosen[0]).values() for port in one.get("ports", [])]
        known = {port["name"] for port in ordinary} | {port["containerPort"] for port in every}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= known


def test_every_account_volume_secret_and_claim_that_is_named_is_made_or_chosen(documents: Documents) -> None:
    made = {(one["kind"], one["metadata"]["name"]) for one in documents}
    chosen = {"brandfarm-store", "farm-token", "ray-token", "ca", "kube-root-ca.crt"}
    for pod in pods(documents).values():
        account = pod["spec"].get("serviceAccountName")
        assert account is None or ("ServiceAccount", account) in made
        for volume in pod["spec"]["volumes"]:
            if name := volume.get("secret", {}).get("secretName"):
                assert name in chosen or ("Secret", name) in made
            if name := volume.get("persistentVolumeClaim", {}).get("claimName"):
                assert ("PersistentVolumeClaim", name) in made
        claims = {"objects"} if pod["metadata"]["labels"]["app.kubernetes.io/component"] == "minio" else set()
        held = {volume["name"] for volume in pod["spec"]["volumes"]} | claims
        for container in containers(pod).values():
            assert {mount["name"] for mount in container["volumeMounts"]} <= held


def test_what_a_studio_chose_reaches_every_place(everything: Documents) -> None:
    worker, controller = pods(everything)["worker-h100"]["spec"], pods(everything)["controller"]["spec"]
    assert worker["containers"][0]["image"] == f"registry.example/brandfarm/worker@sha256:{'a' * 64}"
    assert controller["containers"][0]["image"] == "registry.example/brandfarm/controller:0.1.0"
    assert controller["priorityClassName"] == "high"
    assert controller["imagePullSecrets"] == [{"name": "pull"}]
    assert pods(everything)["head"]["metadata"]["annotations"] == {"why": "because"}
    for pod in (controller, worker):
        assert environment(pod["containers"][0])["SSL_CERT_FILE"] == "/etc/brandfarm/ca/ca.crt"
    assert "Secret" not in kinds(everything)


def test_what_a_person_would_lose_is_kept(laptop: Documents) -> None:
    kept = [
        one["metadata"]["name"]
        for one in laptop
        if one["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    ]
    assert {one["metadata"]["name"] for one in laptop if one["kind"] == "Secret"} <= set(kept)
    assert {one["metadata"]["name"] for one in laptop if one["kind"] == "CustomResourceDefinition"} <= set(kept)


def test_the_three_kinds_come_with_the_chart_unless_somebody_else_brings_them(laptop: Documents) -> None:
    names = {one["metadata"]["name"] for one in laptop if one["kind"] == "CustomResourceDefinition"}
    assert names == {f"{plural}.brandfarm.dev" for plural in ("brandprojects", "campaigns", "reviews")}
    without = rendered(*LAPTOP, "--set", "crds.install=false")
    assert "CustomResourceDefinition" not in kinds(without)


def test_a_namespaced_farm_has_a_role_in_each_namespace_and_no_right_elsewhere() -> None:
    documents = rendered(*CHOICES["two namespaces"])
    roles = {one["metadata"]["namespace"]: one for one in documents if one["kind"] == "Role" and _is_watching(one)}
    assert set(roles) == {"studio-a", "studio-b"}
    bound = [one["metadata"]["name"] for one in documents if one["kind"] == "ClusterRoleBinding"]
    assert bound == []
    assert (
        environment(containers(pods(documents)["controller"])["controller"])["BRANDFARM_NAMESPACES"]
        == "studio-a,studio-b"
    )
    (binding,) = [one for one in documents if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    (chosen,) = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert chosen["values"] == ["studio-a", "studio-b"]


def _is_watching(role: Any) -> bool:
    return any("reviews" in rule["resources"] for rule in role["rules"])


def test_no_role_has_a_wildcard_and_the_controller_reads_no_secret(documents: Documents) -> None:
    for role in (one for one in documents if one["kind"] in ("Role", "ClusterRole")):
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
            if "controller" in role["metadata"]["name"]:
                assert not {"secrets", "pods", "nodes"} & set(rule["resources"])


def test_monitors_are_made_where_the_cluster_knows_them_or_they_are_forced(
    laptop: Documents, everything: Documents
) -> None:
    assert "ServiceMonitor" not in kinds(laptop)
    known = rendered(*LAPTOP, "--api-versions", "monitoring.coreos.com/v1/ServiceMonitor")
    assert len([one for one in known if one["kind"] == "ServiceMonitor"]) == 2
    assert "ServiceMonitor" not in kinds(
        rendered(*LAPTOP, "--api-versions", "monitoring.coreos.com/v1/ServiceMonitor", "--set",
                 "metrics.serviceMonitor.when=never")
    )  # fmt: skip
    for monitor in (one for one in everything if one["kind"] == "ServiceMonitor"):
        assert monitor["metadata"]["labels"]["release"] == "prom"
        assert monitor["spec"]["endpoints"][0]["authorization"]["credentials"]["name"] == "farm-token"


def test_policies_let_in_only_those_who_must(everything: Documents) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in everything if one["kind"] == "NetworkPolicy"}
    assert set(policies) == {f"{FULLNAME}-{part}" for part in ("controller", "dispatcher", "ray")}
    (ingress,) = policies[f"{FULLNAME}-dispatcher"]["ingress"]
    parts = [
        one["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for one in ingress["from"]
        if "podSelector" in one
    ]
    assert parts == ["controller", "test"]
    assert {"ipBlock": {"cidr": "10.0.0.1/32"}} in ingress["from"]
    (among_ray,) = policies[f"{FULLNAME}-ray"]["ingress"]
    assert among_ray["from"] == [{"podSelector": {"matchLabels": {"brandfarm.dev/ray": FULLNAME}}}]
    for name in ("head", "worker-l40s"):
        assert pods(everything)[name]["metadata"]["labels"]["brandfarm.dev/ray"] == FULLNAME


def test_a_dispatcher_on_a_ray_cluster_that_is_there_hears_that_cluster_s_pods() -> None:
    policy = only(rendered(*CHOICES["a Ray cluster that is there"]), "NetworkPolicy")
    assert policy["metadata"]["name"] == f"{FULLNAME}-controller"


def test_the_cli_finds_its_way_by_one_config_map(laptop: Documents) -> None:
    found = only(laptop, "ConfigMap", "-farm")
    assert found["metadata"]["labels"]["app.kubernetes.io/part-of"] == "brandfarm"
    assert found["data"] == {
        "version": "0.1.0",
        "chart-version": "0.1.0",
        "namespace": NAMESPACE,
        "namespaces": "",
        "dispatcher-service": f"{FULLNAME}-dispatcher",
        "dispatcher-secret": f"{FULLNAME}-dispatcher-token",
        "dispatcher-secret-key": "token",
        "store-endpoint": f"http://{FULLNAME}-minio.{NAMESPACE}.svc:9000",
        "store-public-endpoint": "",
        "store-region": "",
        "store-bucket": "brandfarm",
        "store-secret": f"{FULLNAME}-minio",
        "store-secret-access-key": "access-key",
        "store-secret-secret-key": "secret-key",
        "controller": f"{FULLNAME}-controller",
        "raycluster": f"{FULLNAME}-ray",
    }


@pytest.mark.parametrize(("kind", "volume"), [
    ("emptyDir", {"emptyDir": {"sizeLimit": "50Gi"}}),
    ("claim", {"persistentVolumeClaim": {"claimName": f"{FULLNAME}-bases"}}),
    ("existing", {"persistentVolumeClaim": {"claimName": "models"}}),
])  # fmt: skip
def test_bases_are_where_they_were_said_to_be(kind: str, volume: dict[str, Any]) -> None:
    documents = rendered(*LAPTOP, "--set", f"ray.bases.kind={kind},ray.bases.existingClaim=models,ray.bases.size=50Gi")
    held = pods(documents)["worker-cpu"]["spec"]["volumes"]
    assert {"name": "bases", **volume} in held
    assert ("PersistentVolumeClaim" in kinds(documents)) == (kind == "claim")


def test_the_notes_give_the_next_four_commands_and_warn_of_a_store_that_is_for_trying() -> None:
    said = {
        name: helm("install", "farm", str(CHART), "--dry-run=client", *CHOICES[name]) for name in ("laptop", "studio")
    }
    for notes in (text.partition("NOTES:")[2] for text in said.values()):
        assert [line.strip()[0] for line in notes.splitlines() if line.strip()[1:2] == "."] == ["1", "2", "3", "4"]
        for command in ("helm -n default test farm", "brandfarm doctor", "kubectl apply -f", "uninstall farm"):
            assert command in notes
    assert "THE STORE IS THE DEVELOPMENT MINIO" in said["laptop"]
    assert "DEVELOPMENT MINIO" not in said["studio"]


def test_the_example_of_a_ray_cluster_that_is_there_is_of_the_charts_versions(laptop: Documents) -> None:
    example = yaml.safe_load((CHART.parents[1] / "examples" / "raycluster.yaml").read_text())["spec"]
    ours = only(laptop, "RayCluster")["spec"]
    assert example["rayVersion"] == ours["rayVersion"]
    assert [_images(example["headGroupSpec"]), _images(example["workerGroupSpecs"][0])] == [
        _images(ours["headGroupSpec"]),
        _images(ours["workerGroupSpecs"][0]),
    ]
    assert example["workerGroupSpecs"][0]["resources"] == ours["workerGroupSpecs"][0]["resources"]


def _images(group: dict[str, Any]) -> list[str]:
    return [one["image"] for one in group["template"]["spec"]["containers"]]
