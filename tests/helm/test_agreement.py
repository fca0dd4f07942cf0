"""The chart says what the code reads, and the code finds all that it must be told: variables, commands, ports, versions."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.checkup import cluster as checkup
from cli.commands import doctor
from cluster import drain, ray_head
from cluster import settings as dispatcher_settings
from operators import health
from operators import settings as controller_settings
from tests.helm.chart import CHART, CHOICES, LAPTOP, STUDIO, containers, environment, helm, pods, rendered

ROOT = CHART.parents[1]
PREFIX = "BRANDFARM_"

LEFT_AS_IT_IS = {
    "dispatcher": {"ray_namespace", "workbench"},
    "controller": {"kubeconfig", "context"}
    | set(dispatcher_settings.Settings.model_fields)
    - {"home", "store", "store_access_key", "store_secret_key", "token_file", "host", "metrics_open"},
}
"""What the chart never says, by container: the code's own value holds everywhere, or it is the other's."""


def container(name: str, choice: tuple[str, ...]) -> dict[str, Any]:
    found = {one: held for pod in pods(rendered(*choice)).values() for one, held in containers(pod).items()}
    return found[name]


def told(name: str, choice: tuple[str, ...]) -> dict[str, str]:
    """The settings that a container is told, by the fields' names."""
    said = environment(container(name, choice))
    return {one.removeprefix(PREFIX).lower(): value for one, value in said.items() if one.startswith(PREFIX)}


@pytest.mark.parametrize(("name", "known"), [
    ("dispatcher", dispatcher_settings.Settings),
    ("controller", controller_settings.Settings),
])  # fmt: skip
def test_every_variable_is_read_and_every_setting_is_told_or_left_on_purpose(name: str, known: Any) -> None:
    said = {one for choice in CHOICES.values() for one in told(name, choice)}
    with_resident = (*STUDIO, "--set", "ray.work.resident=12")
    assert said | set(told(name, with_resident)) == set(known.model_fields) - LEFT_AS_IT_IS[name]


@pytest.mark.parametrize("choice", CHOICES.values(), ids=list(CHOICES))
def test_the_processes_understand_what_they_are_told(choice: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in (("dispatcher", dispatcher_settings), ("controller", controller_settings)):
        with monkeypatch.context() as patched:
            for variable, value in told(name, choice).items():
                patched.setenv(f"{PREFIX}{variable.upper()}", value)
            chosen = module.read()
            assert chosen.store_address.startswith("http")
            assert "@" in chosen.store_address


def test_the_groups_are_those_of_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANDFARM_GROUPS", told("dispatcher", STUDIO)["groups"])
    groups = dispatcher_settings.read().groups
    assert {name: (one.min, one.max, one.gpu, one.gpu_class) for name, one in groups.items()} == {
        "l40s": (0, 8, 1, "l40s"),
        "h100": (0, 4, 1, "h100"),
    }


def test_the_class_of_a_node_is_told_as_the_fleet_reads_it() -> None:
    prefix = re.search(r'^GPU_CLASS = "(.*)"$', (ROOT / "cluster/ray_fleet.py").read_text(), flags=re.MULTILINE)
    assert prefix is not None
    (cluster,) = [one for one in rendered(*STUDIO) if one["kind"] == "RayCluster"]
    assert f"{prefix[1]}l40s" in cluster["spec"]["workerGroupSpecs"][0]["resources"]


@pytest.mark.parametrize("choice", CHOICES.values(), ids=list(CHOICES))
def test_every_module_that_a_container_starts_is_there(choice: tuple[str, ...]) -> None:
    text = yaml.safe_dump([pod["spec"] for pod in pods(rendered(*choice)).values()])
    modules = set(re.findall(r"-m(?:\n\s+-)? ((?:cluster|operators|jobs|cli)[.a-z_]*)", text))
    assert {"cluster.main", "operators.main", "cluster.ray_agents"} <= modules
    assert all(importlib.util.find_spec(one) for one in modules)


def test_a_worker_s_farewell_takes_what_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = container("ray-worker", STUDIO)["lifecycle"]["preStop"]["exec"]["command"]
    monkeypatch.setenv("BRANDFARM_DOORS", str(tmp_path))
    monkeypatch.setattr("sys.argv", command[2:])
    monkeypatch.setattr(drain, "NEWS_SECONDS", 0.0)
    assert drain.main() == 0


def test_probes_ask_what_is_answered() -> None:
    controller = container("controller", LAPTOP)
    asked = {probe["httpGet"]["path"] for name, probe in controller.items() if name.endswith("Probe")}
    assert asked == {health.HEALTHZ, health.READYZ}
    assert environment(controller)["BRANDFARM_METRICS_PORT"] == str(controller["ports"][0]["containerPort"])
    dispatcher = container("dispatcher", LAPTOP)
    api = (ROOT / "cluster/api.py").read_text()
    for name in ("livenessProbe", "readinessProbe"):
        assert f'"{dispatcher[name]["httpGet"]["path"]}"' in api
    assert environment(dispatcher)["BRANDFARM_PORT"] == str(dispatcher["ports"][0]["containerPort"])


def test_a_dispatcher_that_waits_for_ray_is_not_taken_for_a_dead_one() -> None:
    dispatcher = container("dispatcher", LAPTOP)
    probe = dispatcher["livenessProbe"]
    borne = probe["initialDelaySeconds"] + probe["periodSeconds"] * probe["failureThreshold"]
    assert float(environment(dispatcher)["BRANDFARM_RAY_PATIENCE"]) < borne


def test_ray_s_nodes_die_as_soon_as_on_a_laptop_and_its_agents_are_waited_for_as_long() -> None:
    said = environment(container("ray-head", LAPTOP))
    same = {"RAY_AUTH_MODE", "RAY_USAGE_STATS_ENABLED", "RAY_agent_register_timeout_ms", *ray_head.HEALTH}
    laptop = ray_head.environment(token="", folder=Path("/tmp/ray"))
    assert {name: said[name] for name in same} == {name: laptop[name] for name in same}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=list(CHOICES))
def test_the_pods_whose_releases_doctor_compares_tell_theirs(choice: tuple[str, ...]) -> None:
    labels = [pod["metadata"]["labels"] for pod in pods(rendered(*choice)).values()]
    compared = [one for one in labels if one[checkup.PART] in ("dispatcher", "worker")]
    assert compared
    assert {one.get(checkup.VERSION) for one in compared} == {release_of_the_chart()}


def release_of_the_chart() -> str:
    return str(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"])


def test_the_notes_name_a_command_that_doctor_understands() -> None:
    notes = helm("install", "farm", str(CHART), "--dry-run=client", "--namespace", "farms", *LAPTOP).partition(
        "NOTES:"
    )[2]
    (said,) = re.findall(r"brandfarm doctor (.*)", notes)
    asked = doctor.command.make_context(
        "doctor", shlex.split(said.replace("$(kubectl config current-context)", "here"))
    )
    assert (asked.params["context"], asked.params["farm_namespace"]) == ("here", "farms")


def test_versions_are_the_code_s() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (chart["version"], chart["appVersion"]) == (project["version"], project["version"])
    locked = re.search(r"^ray==(\S+)", (ROOT / "requirements/dispatcher.txt").read_text(), flags=re.MULTILINE)
    assert locked is not None
    assert yaml.safe_load((CHART / "values.yaml").read_text())["ray"]["version"] == locked[1]


def test_every_image_is_a_target_of_the_dockerfile() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
    images = set(yaml.safe_load((CHART / "values.yaml").read_text())["images"])
    assert images - {"registry", "tag", "pullPolicy", "pullSecrets"} <= targets
