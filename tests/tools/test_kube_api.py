"""The tests' own Kubernetes API is the real one: it keeps, refuses and restarts as a cluster's does, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.tools.kube import KubeApi, KubectlFailed, kube_api

__all__ = ["kube_api"]

pytestmark = pytest.mark.kube
READER = ("create", "role", "reader", "--verb=get,list", "--resource=configmaps")


def test_what_is_applied_is_there(kube_api: KubeApi) -> None:
    _config_map(kube_api, kube_api.namespace("kept"), "colours")
    assert kube_api.kubectl("get", "configmap", "--namespace=kept", "--output=name") == "configmap/colours\n"


def test_what_is_not_lawful_is_refused_with_the_servers_reason(kube_api: KubeApi) -> None:
    with pytest.raises(KubectlFailed, match=r"kubectl create namespace Not_A_Name ended with 1: .*Not_A_Name"):
        kube_api.kubectl("create", "namespace", "Not_A_Name")


def test_a_person_may_do_what_their_group_may_and_no_more(kube_api: KubeApi) -> None:
    kube_api.namespace("groups")
    kube_api.kubectl(*READER, "--namespace=groups")
    kube_api.kubectl("create", "rolebinding", "readers", "--role=reader", "--group=designers", "--namespace=groups")
    mia = kube_api.as_user("mia@example.com", ["designers"])
    assert _who(kube_api, mia) == "mia@example.com"
    assert kube_api.kubectl("get", "configmap", "--namespace=groups", "--output=name", kubeconfig=mia) == ""
    with pytest.raises(KubectlFailed, match=r'Forbidden.*"mia@example.com" cannot list resource "secrets"'):
        kube_api.kubectl("get", "secrets", "--namespace=groups", kubeconfig=mia)
    stranger = kube_api.as_user("stranger")
    with pytest.raises(KubectlFailed, match='"stranger" cannot list resource "configmaps"'):
        kube_api.kubectl("get", "configmap", "--namespace=groups", kubeconfig=stranger)


def test_a_token_that_nobody_has_is_nobody(kube_api: KubeApi, tmp_path: Path) -> None:
    forged = tmp_path / "kubeconfig"
    forged.write_text(kube_api.kubeconfig.read_text().replace(kube_api.token, "made-up"))
    with pytest.raises(KubectlFailed, match="Unauthorized"):
        kube_api.kubectl("get", "namespaces", kubeconfig=forged)


def test_a_service_account_has_a_token_of_its_own(kube_api: KubeApi) -> None:
    namespace = kube_api.namespace("accounts")
    kube_api.kubectl("create", "serviceaccount", "controller", f"--namespace={namespace}")
    account = kube_api.service_account(namespace, "controller")
    assert _who(kube_api, account) == "system:serviceaccount:accounts:controller"
    with pytest.raises(KubectlFailed, match='in the namespace "accounts"'):
        kube_api.kubectl("get", "configmap", kubeconfig=account)


def test_a_restarted_server_has_what_it_had_but_not_a_forgotten_past(kube_api: KubeApi) -> None:
    namespace = kube_api.namespace("restarted")
    for name in ("before", "beside"):
        _config_map(kube_api, namespace, name)
    listed = f"/api/v1/namespaces/{namespace}/configmaps"
    page = json.loads(kube_api.kubectl("get", "--raw", f"{listed}?limit=1"))["metadata"]
    _config_map(kube_api, namespace, "after")
    account, address = kube_api.service_account(namespace, "default"), kube_api.url
    kube_api.stop_server()
    with pytest.raises(KubectlFailed, match="refused"):
        kube_api.kubectl("get", "namespaces")
    kube_api.forget_history()
    kube_api.start_server()
    assert kube_api.url == address
    kept = kube_api.kubectl("get", "configmap", "--output=name", f"--namespace={namespace}").split()
    assert kept == ["configmap/after", "configmap/before", "configmap/beside"]
    assert _who(kube_api, account) == "system:serviceaccount:restarted:default"
    with pytest.raises(KubectlFailed, match="Expired"):
        kube_api.kubectl("get", "--raw", f"{listed}?limit=1&continue={page['continue']}")
    watched = kube_api.kubectl("get", "--raw", f"{listed}?watch=1&resourceVersion={page['resourceVersion']}")
    assert [json.loads(line)["object"]["code"] for line in watched.splitlines()] == [410]


def test_the_foreground_command_names_a_kubeconfig_and_leaves_nothing() -> None:
    command = [sys.executable, "-m", "tests.tools.kube_api"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as pair:
        assert pair.stdout is not None
        kubeconfig = Path(pair.stdout.readline().strip())
        started = psutil.Process(pair.pid).children(recursive=True)
        assert {"etcd", "kube-apiserver"} <= {process.name() for process in started}
        assert oct(kubeconfig.stat().st_mode)[-3:] == "600"
        pair.send_signal(signal.SIGINT)
    assert pair.returncode == 0
    assert [process for process in started if process.is_running()] == []
    assert not kubeconfig.parent.exists()


def _config_map(api: KubeApi, namespace: str, name: str) -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    api.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=json.dumps(document))


def _who(api: KubeApi, kubeconfig: Path) -> str:
    return api.kubectl("auth", "whoami", "--output=jsonpath={.status.userInfo.username}", kubeconfig=kubeconfig)
