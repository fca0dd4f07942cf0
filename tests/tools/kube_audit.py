"""What a ServiceAccount has asked of the tests' API server, and how it was answered: from the server's own audit log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}
"""Only ServiceAccounts' requests are written down, without their bodies."""


@dataclass(frozen=True)
class Asked:
    """One request; `resource` as people name it, such as `campaigns/status.brandfarm.dev`."""

    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    more: str = ""
    """What stood behind the question mark."""


def begin(folder: Path) -> None:
    """The policy, for the flags."""
    (folder / "audit").write_text(json.dumps(POLICY))


def flags(folder: Path) -> list[str]:
    """What an API server is told, so that it writes before it answers."""
    return [f"--audit-policy-file={folder / 'audit'}", f"--audit-log-path={folder / 'audit.log'}"]


def asked_by(folder: Path, namespace: str, name: str) -> list[Asked]:
    """Everything that a ServiceAccount has asked, a watch from its beginning on; oldest first."""
    account = f"system:serviceaccount:{namespace}:{name}"
    said = (folder / "audit.log").read_bytes()
    told = map(json.loads, said[: said.rfind(b"\n") + 1].splitlines())  # the last line may be on its way
    requests = {one["auditID"]: one for one in told if one["user"]["username"] == account}
    return [_asked(one) for one in requests.values() if "objectRef" in one]


def _asked(told: dict[str, Any]) -> Asked:
    thing = told["objectRef"]
    below = f"/{thing['subresource']}" if "subresource" in thing else ""
    group = f".{thing['apiGroup']}" if "apiGroup" in thing else ""
    return Asked(
        told["verb"],
        f"{thing['resource']}{below}{group}",
        thing.get("namespace", ""),
        thing.get("name", ""),
        told["responseStatus"]["code"],
        told["requestURI"].partition("?")[2],
    )
