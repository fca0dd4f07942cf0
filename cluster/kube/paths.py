"""Where things stand in a Kubernetes API, as paths, and a request in words. Knows no server."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.manifests import API_VERSION

PLURALS = {"BrandProject": "brandprojects", "Campaign": "campaigns", "Review": "reviews"}
_KINDS = {plural: kind for kind, plural in PLURALS.items()}
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def collection(kind: str, namespace: str | None = None) -> str:
    """The path of all our documents of a kind, in one namespace or in all."""
    return _collection(f"/apis/{API_VERSION}", PLURALS[kind], namespace)


def one(kind: str, namespace: str, name: str) -> str:
    """The path of one of our documents."""
    return f"{collection(kind, namespace)}/{name}"


def leases(namespace: str) -> str:
    """The path of a namespace's leases."""
    return _collection("/apis/coordination.k8s.io/v1", "leases", namespace)


def events(namespace: str) -> str:
    """The path of a namespace's events."""
    return _collection("/apis/events.k8s.io/v1", "events", namespace)


@dataclass(frozen=True)
class Deed:
    """What was asked of the server, for people: a verb, and what it is done to."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str

    @property
    def kind(self) -> str:
        """The kind in the singular, as manifests write it; other resources than ours as the path names them."""
        resource = self.resource.partition("/")[0]
        return _KINDS.get(resource, resource)

    @property
    def full_resource(self) -> str:
        """The resource as kubectl takes it, such as `brandprojects.brandfarm.dev`."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def where(self) -> str:
        """The namespace, in words; empty where all are meant."""
        return f" in namespace {self.namespace}" if self.namespace else ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f' {self.name}' if self.name else ''}{self.where}"


def deed_of(method: str, path: str, *, is_watch: bool = False) -> Deed:
    """The deed behind an HTTP request."""
    parts = path.partition("?")[0].strip("/").split("/")
    group, parts = ("", parts[2:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[3:])
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    resource, name, below = [*parts, "", "", ""][:3]
    verb = "watch" if is_watch else _VERBS.get(method) or ("get" if name else "list")
    return Deed(verb, group, f"{resource}/{below}" if below else resource, namespace, name)


def _collection(base: str, plural: str, namespace: str | None) -> str:
    return f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"
