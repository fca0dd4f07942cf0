"""What a chart leaves for a person's terminal: the farm's ConfigMap, its token, and the roles; by hand, on a bare API server."""

from __future__ import annotations

import json
from typing import Any

from tests.tools.kube_api import KubeApi

TOKEN = "a-token-of-this-test"
CHART = {"app.kubernetes.io/part-of": "brandfarm", "app.kubernetes.io/version": "0.1.0"}


def install(api: KubeApi, namespace: str, name: str = "brandfarm", **says: str) -> None:
    """A farm's ConfigMap and the Secret of its dispatcher's token; `says` are further words of the ConfigMap."""
    told = {
        "version": "0.1.0",
        "namespace": namespace,
        "dispatcher-service": f"{name}-dispatcher",
        "dispatcher-secret": f"{name}-dispatcher-token",
        "dispatcher-secret-key": "token",
        "controller": f"{name}-controller",
        **{key.replace("_", "-"): value for key, value in says.items()},
    }
    metadata = {"name": f"{name}-farm", "namespace": namespace, "labels": CHART}
    secret = {"name": f"{name}-dispatcher-token", "namespace": namespace}
    apply(
        api,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": told},
        {"apiVersion": "v1", "kind": "Secret", "metadata": secret, "stringData": {"token": TOKEN}},
    )


def apply(api: KubeApi, *documents: dict[str, Any]) -> None:
    """Documents, as kubectl applies them."""
    api.kubectl("apply", "--server-side", "-f", "-", input="\n---\n".join(map(json.dumps, documents)))


def allow(api: KubeApi, namespace: str, person: str, *rules: dict[str, Any]) -> None:
    """A role of exactly these rules for a person, in one namespace."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": person.partition("@")[0], "namespace": namespace}
    apply(
        api,
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": list(rules)},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": metadata["name"]},
            "subjects": [{"apiGroup": group, "kind": "User", "name": person}],
        },
    )
