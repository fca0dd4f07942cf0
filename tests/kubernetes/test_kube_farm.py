"""The farm behind a kube context, on a real API server: what every farm promises, and what a person without rights is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.kube_farm import KubeFarm
from cluster.folder_store import FolderStore
from jobs.errors import ContextUnknown, DispatcherUnavailable, NotFound, StoreError, Unauthorized
from tests import builders
from tests.cli import studio
from tests.cli.terminal import Terminal, written
from tests.contract.farm import FarmContract
from tests.kubernetes import dispatching, farms
from tests.tools.kube import KubeApi

pytestmark = pytest.mark.kube

Open = Callable[..., KubeFarm]
OURS = {"apiGroups": ["brandfarm.dev"], "resources": ["brandprojects", "campaigns", "reviews"]}


@pytest.fixture
def api(farm_api: KubeApi) -> KubeApi:
    return farm_api


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def opened(api: KubeApi, namespace: str, store: FolderStore) -> Iterator[Open]:
    """Opens farms as the administrator, or with another kubeconfig; all of them end with the test."""
    made: list[KubeFarm] = []

    def open_(kubeconfig: Path = api.kubeconfig, farm_namespace: str = namespace, **environment: str) -> KubeFarm:
        said = {"BRANDFARM_STORE": str(store.root), **environment}
        made.append(KubeFarm("tests", farm_namespace, environment=said, kubeconfig=kubeconfig))
        return made[-1]

    yield open_
    for farm in made:
        farm.close()


@pytest.fixture
def farm(opened: Open) -> KubeFarm:
    return opened()


class TestKubeFarm(FarmContract):
    """Everything that a farm on this machine promises too."""


def test_labels_and_annotations_of_other_tools_stay(api: KubeApi, farm: KubeFarm, namespace: str) -> None:
    farm.create(builders.project(namespace=namespace))
    api.kubectl("-n", namespace, "annotate", "brandproject", "stable-socks", "argocd.argoproj.io/tracking-id=studio")
    document = builders.project(namespace=namespace, recipe={"steps": 400})
    document["metadata"]["labels"] = {"season": "spring"}
    kept = farm.replace(document)["metadata"]
    assert (kept["labels"], kept["annotations"]["argocd.argoproj.io/tracking-id"]) == ({"season": "spring"}, "studio")


def test_what_only_the_server_refuses_is_told_at_its_place_in_the_file(
    farm: KubeFarm, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "brand.yaml"
    file.write_text(json.dumps(builders.project(namespace=namespace), indent=1))
    monkeypatch.setattr("cli.applying.manifests.dump", _with_a_rank_that_no_cluster_takes)
    shown = Terminal(farm).type("apply", "-f", str(file), "--context", "tests")
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if '"recipe"' in text)
    assert shown.code == 2
    assert f"{file}:{line}:" in shown.err
    assert "spec.recipe.rank: found 9999; write" in shown.err


def test_a_brand_goes_from_a_folder_to_a_campaign_by_the_same_commands(
    api: KubeApi, farm: KubeFarm, namespace: str, tmp_path: Path
) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    (shots / "heel.png").write_bytes(b"a picture")
    document = builders.project(dataset={"source": "./shots", "rights": {"owner": "Studio A", "basis": "owned"}})
    del document["metadata"]["namespace"]
    terminal = Terminal(farm)

    def type_(*words: str) -> str:
        shown = terminal.type(*words, "--context", "tests", "-n", namespace)
        assert shown.code == 0, shown.err
        return shown.out

    assert "stable-socks\tcreated" in type_("apply", "-f", written(tmp_path, "brand.yaml", [document]), "-o", "tsv")
    assert farm.document("BrandProject", namespace, "stable-socks")["spec"]["dataset"]["source"].startswith("upload://")
    _tell(api, namespace, "brandproject", "stable-socks", studio.awaiting())
    assert "AwaitingApproval" in type_("status")
    type_("approve", "stable-socks")
    (review,) = farm.documents("Review", namespace)
    assert (review["spec"]["by"], review["spec"]["projectUid"]) == (
        "admin", farm.document("BrandProject", namespace, "stable-socks")["metadata"]["uid"],
    )  # fmt: skip
    _tell(api, namespace, "brandproject", "stable-socks", studio.ready("v1"))
    type_("wait", "stable-socks")
    campaign = builders.campaign(namespace=namespace)
    assert "created" in type_("apply", "-f", written(tmp_path, "campaign.yaml", [campaign]))
    assert "spring" in type_("campaign", "list")
    assert "deleted" in type_("delete", "campaign", "spring", "--yes")
    assert terminal.contexts[0] == ("tests", "")


def test_the_contexts_namespace_is_meant_where_none_is_named(
    api: KubeApi, opened: Open, namespace: str, tmp_path: Path
) -> None:
    terminal = Terminal(opened(_context_of(api, namespace, tmp_path)))
    nowhere = builders.project()
    del nowhere["metadata"]["namespace"]
    assert terminal.type("apply", "-f", written(tmp_path, "a.yaml", [nowhere]), "--context", "tests").code == 0
    elsewhere = f"{namespace}-2"
    api.namespace(elsewhere)
    named = builders.project("olive-oil", elsewhere)
    assert terminal.type("apply", "-f", written(tmp_path, "b.yaml", [named]), "--context", "tests").code == 0
    own = terminal.type("get", "brands", "-o", "name", "--context", "tests").out
    assert own == "brandproject/stable-socks\n"
    assert "brandproject/olive-oil" in terminal.type("get", "brands", "-o", "name", "-A", "--context", "tests").out
    astray = terminal.type("get", "brand", "olive-oil", "--context", "tests")
    assert (astray.code, f"add `-n {elsewhere}`" in astray.err) == (3, True)


def test_the_dispatcher_is_asked_through_the_api_server(
    api: KubeApi, farm: KubeFarm, namespace: str, tmp_path: Path
) -> None:
    farms.install(api, namespace)
    with dispatching.answering(tmp_path / "dispatched", farms.TOKEN) as (address, port):
        dispatching.lead_to(api, namespace, "brandfarm-dispatcher", address, port)
        while not farm.is_up():
            continue
        assert [one.name for one in farm.summary().workers] == ["w1"]
        assert farm.standing("nobody") == {}
        with pytest.raises(NotFound):
            farm.job("0" * 64)
        assert farm.retry(["0" * 64]) == []
    with pytest.raises(DispatcherUnavailable, match=r"behind Service .* does not answer"):
        farm.summary()
    assert not farm.is_up()


def test_a_wrong_token_is_the_dispatchers_own_refusal(
    api: KubeApi, farm: KubeFarm, namespace: str, tmp_path: Path
) -> None:
    farms.install(api, namespace)
    with dispatching.answering(tmp_path / "dispatched", "another token") as (address, port):
        dispatching.lead_to(api, namespace, "brandfarm-dispatcher", address, port)
        while not farm.is_up():
            continue
        with pytest.raises(Unauthorized, match="wrong one"):
            farm.summary()


def test_a_person_of_one_studio_works_there_and_is_told_what_they_may_not(
    api: KubeApi, opened: Open, namespace: str, tmp_path: Path
) -> None:
    farms.install(api, namespace)
    farms.allow(api, namespace, "mia@example.com", OURS | {"verbs": ["get", "list", "create", "update", "delete"]})
    mia = opened(_context_of(api, namespace, tmp_path, api.as_user("mia@example.com")))
    terminal = Terminal(mia)
    brand = written(tmp_path, "brand.yaml", [builders.project(namespace=namespace)])
    assert terminal.type("apply", "-f", brand, "--context", "tests").code == 0
    status = terminal.type("status", "--context", "tests", "-o", "table")
    assert status.code == 0
    assert "may not look for the farm" in " ".join(status.out.split())
    assert terminal.type("status", "stable-socks", "--context", "tests").code == 0
    everywhere = terminal.type("get", "brands", "-A", "--context", "tests")
    assert everywhere.code == 1
    assert "does not allow to list brandprojects" in everywhere.err
    assert "kubectl auth can-i list brandprojects.brandfarm.dev -A" in everywhere.err
    absent = terminal.type("get", "brand", "stable-sock", "--context", "tests")
    assert (absent.code, "Did you mean stable-socks?" in absent.err) == (3, True)


def test_who_may_call_the_dispatcher_needs_no_more_than_the_charts_role(
    api: KubeApi, opened: Open, namespace: str, tmp_path: Path
) -> None:
    farms.install(api, namespace)
    only = {
        "configmaps": "brandfarm-farm",
        "secrets": "brandfarm-dispatcher-token",
        "services/proxy": "brandfarm-dispatcher:http",
    }
    rules = [
        {"apiGroups": [""], "resources": [resource], "resourceNames": [name], "verbs": ["get", "create"]}
        for resource, name in only.items()
    ]
    farms.allow(api, namespace, "ops@example.com", *rules)
    caller = opened(_context_of(api, namespace, tmp_path, api.as_user("ops@example.com")))
    with dispatching.answering(tmp_path / "dispatched", farms.TOKEN) as (address, port):
        dispatching.lead_to(api, namespace, "brandfarm-dispatcher", address, port)
        while not caller.is_up():
            continue
        assert caller.summary().epoch == 1


@pytest.mark.parametrize("count", [0, 2])
def test_a_farm_that_cannot_be_told_apart_is_asked_for(
    api: KubeApi, farm: KubeFarm, namespace: str, count: int
) -> None:
    for number in range(count):
        farms.install(api, namespace, f"farm{number}")
    said = f"There are 2 farms in namespace {namespace}" if count else f"No farm is installed in namespace {namespace}"
    with pytest.raises(NotFound, match=said) as told:
        farm.installed()
    assert "--farm-namespace" in told.value.hint


def test_one_of_several_farms_is_named(api: KubeApi, opened: Open, namespace: str) -> None:
    for name in ("day", "night"):
        farms.install(api, namespace, name)
    assert opened(farm_namespace=f"{namespace}/night").installed().name == "night"


def test_a_store_without_keys_or_address_says_which_are_missing(api: KubeApi, opened: Open, namespace: str) -> None:
    farms.install(api, namespace, store_endpoint=f"http://minio.{namespace}.svc:9000", store_bucket="studio")
    with pytest.raises(StoreError, match=r"a name that this machine does not know") as unknown:
        _ = opened(BRANDFARM_STORE="").store
    assert "BRANDFARM_STORE=http://localhost:9000/studio" in unknown.value.hint
    with pytest.raises(StoreError, match="BRANDFARM_STORE_ACCESS_KEY and BRANDFARM_STORE_SECRET_KEY are not set"):
        _ = opened(BRANDFARM_STORE="http://localhost:9000/studio").store


def test_a_context_that_nobody_knows_is_an_error(api: KubeApi) -> None:
    lost = KubeFarm("nowhere", kubeconfig=api.kubeconfig)
    with pytest.raises(ContextUnknown, match="nowhere"):
        lost.documents("BrandProject")
    lost.close()


def test_a_cluster_without_our_kinds_says_to_install_them(api: KubeApi, farm: KubeFarm, namespace: str) -> None:
    with pytest.raises(NotFound, match="knows no reviews") as told:
        farm.ask(lambda client: client.get("/apis/brandfarm.dev/v9/reviews"))
    assert "chart" in told.value.hint


def test_the_doctor_names_what_is_missing_and_what_to_do(
    api: KubeApi, opened: Open, namespace: str, tmp_path: Path
) -> None:
    farms.install(api, namespace)
    farms.allow(api, namespace, "ann@example.com", OURS | {"verbs": ["get", "list"]})
    ann = opened(_context_of(api, namespace, tmp_path, api.as_user("ann@example.com")))
    found = _examined(ann)
    assert found["cluster"][0] == "passed"
    assert "as ann@example.com" in found["cluster"][1]
    assert found["brandprojects.brandfarm.dev"][0] == "not proven"
    assert found["may see"][0] == "passed"
    assert found["may review"] == (
        "warned", f"ann@example.com may not create reviews.brandfarm.dev in namespace {namespace}",
        f"Whoever runs the cluster gives it: `kubectl -n {namespace} create rolebinding brandfarm-lead "
        "--clusterrole=brandfarm-lead --user=ann@example.com`.",
    )  # fmt: skip
    whole = _examined(opened())
    assert whole["brandprojects.brandfarm.dev"][:2] == ("passed", "defined as this release has it")
    assert whole["chart"] == ("passed", f"{namespace}/brandfarm, 0.1.0", "")
    assert whole["controller"][0] == "failed"
    assert whole["dispatcher pods"][:2] == ("failed", "there are none")
    assert whole["worker pods"][:2] == ("passed", "none of the chart's own: the farm uses a Ray cluster that is there")
    assert whole["may ask the dispatcher"][0] == "passed"


def test_the_doctor_sees_a_definition_of_another_release(api: KubeApi, opened: Open, namespace: str) -> None:
    farms.install(api, namespace, version="0.0.9", raycluster="brandfarm-ray")
    patch = [
        {
            "op": "add",
            "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/old",
            "value": {"type": "string"},
        }
    ]
    api.kubectl("patch", "crd", "reviews.brandfarm.dev", "--type=json", "-p", json.dumps(patch))
    try:
        found = _examined(opened())
    finally:
        api.kubectl(
            "patch", "crd", "reviews.brandfarm.dev", "--type=json", "-p", json.dumps([{**patch[0], "op": "remove"}])
        )
    assert found["reviews.brandfarm.dev"][0] == "warned"
    assert "`helm upgrade`" in found["reviews.brandfarm.dev"][2]
    assert found["chart"][0] == "warned"
    assert "is 0.0.9, and this command is 0.1.0" in found["chart"][1]
    assert found["worker pods"][:2] == ("warned", "there are none")


def _examined(farm: KubeFarm) -> dict[str, tuple[str, str, str]]:
    """What `doctor` finds, by name: verdict, what was found, next step."""
    shown = Terminal(farm).type("doctor", "--context", "tests", "-o", "json")
    return {one["name"]: (one["verdict"], one["found"], one["next_step"]) for one in json.loads(shown.out)}


def _with_a_rank_that_no_cluster_takes(model: Any) -> dict[str, Any]:
    from jobs.manifests.document import dump

    document = dump(model)
    document["spec"]["recipe"]["rank"] = 9999
    return document


def _context_of(api: KubeApi, namespace: str, folder: Path, kubeconfig: Path | None = None) -> Path:
    """A kubeconfig whose context is of that namespace."""
    told = json.loads((kubeconfig or api.kubeconfig).read_text())
    told["contexts"][0]["context"]["namespace"] = namespace
    path = folder / "kubeconfig"
    path.write_text(json.dumps(told))
    return path


def _tell(api: KubeApi, namespace: str, kind: str, name: str, status: dict[str, Any]) -> None:
    """What the controller would write."""
    patch = json.dumps({"status": {"observedGeneration": 1, **status}})
    api.kubectl("-n", namespace, "patch", kind, name, "--subresource=status", "--type=merge", "-p", patch)


def test_nobody_is_let_in_by_a_forged_token(api: KubeApi, opened: Open, tmp_path: Path) -> None:
    forged = tmp_path / "kubeconfig"
    forged.write_text(api.kubeconfig.read_text().replace(api.token, "made-up"))
    shown = Terminal(opened(forged)).type("status", "--context", "tests")
    assert shown.code == 1
    assert "does not know who asks" in shown.err
