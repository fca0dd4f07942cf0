"""What an API server says no with, in the farm's own errors and words. No server is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.kube import causes, refusals
from cluster.kube.access import KubeconfigAccess, PodAccess
from cluster.kube.paths import deed_of
from cluster.kube.refusals import Expired
from jobs.errors import (
    ApiServerUnavailable,
    Conflict,
    ContextUnknown,
    FarmError,
    Forbidden,
    ManifestInvalid,
    NotFound,
    Unauthorized,
)

pytestmark = pytest.mark.anyio

BRANDS = "/apis/brandfarm.dev/v1alpha1/namespaces/studio-a/brandprojects"


def refused(code: int, method: str = "POST", path: str = BRANDS, **status: Any) -> FarmError:
    """The error behind a Status document."""
    body = json.dumps({"kind": "Status", "code": code, **status}).encode()
    return refusals.error_of(code, body, deed_of(method, path))


@pytest.mark.parametrize(
    ("code", "kind", "may_try_again"),
    [
        (400, ManifestInvalid, False),
        (401, Unauthorized, False),
        (403, Forbidden, False),
        (404, NotFound, False),
        (409, Conflict, False),
        (410, Expired, True),
        (413, ManifestInvalid, False),
        (422, ManifestInvalid, False),
        (418, ApiServerUnavailable, False),
        (429, ApiServerUnavailable, True),
        (500, ApiServerUnavailable, True),
        (503, ApiServerUnavailable, True),
    ],
)
def test_every_status_is_an_error_of_ours(code: int, kind: type[FarmError], may_try_again: bool) -> None:
    error = refused(code, message="said so")
    assert (type(error), error.retryable) == (kind, may_try_again)
    from_a_proxy = refusals.error_of(code, b"<html>Bad gateway</html>", deed_of("GET", BRANDS))
    assert isinstance(from_a_proxy, kind)


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", BRANDS, "list brandprojects in namespace studio-a"),
        ("GET", f"{BRANDS}/socks", "get brandprojects socks in namespace studio-a"),
        ("PATCH", f"{BRANDS}/socks/status", "patch brandprojects/status socks in namespace studio-a"),
        ("GET", "/apis/brandfarm.dev/v1alpha1/reviews", "list reviews"),
        ("DELETE", "/api/v1/namespaces/studio-a", "delete namespaces studio-a"),
        ("POST", "/apis/coordination.k8s.io/v1/namespaces/x/leases", "create leases in namespace x"),
    ],
)
def test_a_request_is_a_sentence(method: str, path: str, said: str) -> None:
    assert str(deed_of(method, path)) == said


def test_what_is_forbidden_names_verb_and_resource_and_how_to_ask() -> None:
    error = refused(403, "GET", message='User "jo" cannot list resource "brandprojects"')
    assert error.message == (
        "The API server does not allow to list brandprojects in namespace studio-a: "
        'User "jo" cannot list resource "brandprojects"'
    )
    assert "kubectl auth can-i list brandprojects.brandfarm.dev -n studio-a" in error.hint


CAUSES = [
    ("spec.concept", 'Unsupported value: "x": supported values: "product", "style"', 'found "x"; write one of product'),
    ("spec.trigger", "Required value", "found nothing; write"),
    (
        "spec.recipe.steps",
        "Invalid value: 0: spec.recipe.steps in body should be greater than or equal to 1",
        "found 0",
    ),
    ("spec.judge.seeds", "Too many: 99: must have at most 16 items", "found 99; write a list of"),
    ("spec", 'Invalid value: "object": choose one of campaign and project', "found this object; write choose one of"),
    ("spec.looks[0].with[1].brand", 'Invalid value: "a": another brand than the look itself', "write another brand"),
    ("spec.by", "Forbidden: it is held by policy", "found what may not stand there; write it is held by policy"),
    ("spec.by", "must be the user who asks", "found what a rule of this cluster refuses; write must be the user"),
]


@pytest.mark.parametrize(("field", "message", "told"), CAUSES)
def test_a_cause_is_a_problem_of_a_field(field: str, message: str, told: str) -> None:
    (problem,) = causes.problems_of("BrandProject", [{"field": field, "message": message}])
    assert (problem.field, told in str(problem)) == (field, True), str(problem)


def test_an_invalid_document_says_all_that_is_wrong_and_nothing_of_what_was_not_looked_at() -> None:
    found = [{"field": field, "message": message} for field, message, _ in CAUSES[:2]]
    found.append({"field": "<nil>", "message": 'Invalid value: "null": some validation rules were not checked'})
    error = refused(422, message="BrandProject is invalid", details={"name": "socks", "causes": found})
    assert isinstance(error, ManifestInvalid)
    assert error.message.startswith("BrandProject socks cannot be accepted:\n  spec.concept: found")
    assert (error.message.count("\n"), error.reason) == (2, "ManifestInvalid")


def test_a_policys_refusal_that_names_no_field_is_passed_on_whole() -> None:
    said = "ValidatingAdmissionPolicy 'by' denied request: spec.by must be jo"
    error = refused(422, message=said, details={"name": "r", "causes": [{"message": said}]})
    assert said in error.message


def test_a_server_that_tells_no_seconds_is_left_alone_for_one() -> None:
    assert [refusals.wait_seconds({"Retry-After": said}) for said in ("3", "9999", "Fri, 31 Dec")] == [3.0, 30.0, 1.0]
    assert refusals.wait_seconds({}) == 1.0


async def test_a_missing_kubeconfig_or_context_or_pod_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(ContextUnknown, match="no kubeconfig at"):
        await KubeconfigAccess(tmp_path / "none").refresh()
    (tmp_path / "config").write_text(
        "{apiVersion: v1, kind: Config, clusters: [], contexts: [], users: [], current-context: gone}"
    )
    with pytest.raises(ContextUnknown, match="does not say how to reach elsewhere"):
        await KubeconfigAccess(tmp_path / "config", "elsewhere").refresh()
    with pytest.raises(ContextUnknown, match="finds no service account"):
        await PodAccess(tmp_path).refresh()


async def test_a_kubeconfig_is_read_again_once_a_minute(tmp_path: Path) -> None:
    config = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://farm:6443/"}}]
users: [{name: u, user: {tokenFile: token}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: studio-a}}]
current-context: x
"""
    (tmp_path / "config").write_text(config)
    (tmp_path / "token").write_text("first\n")
    seconds = [0.0]
    access = KubeconfigAccess(tmp_path / "config", monotonic=lambda: seconds[0])
    await access.refresh()
    assert (access.configuration.host, access.namespace) == ("https://farm:6443", "studio-a")
    (tmp_path / "token").write_text("second\n")
    for passed, token in ((59.0, "Bearer first"), (61.0, "Bearer second")):
        seconds[0] = passed
        await access.refresh()
        assert str(access.configuration.api_key["BearerToken"]).strip() == token
