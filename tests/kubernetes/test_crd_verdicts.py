"""The table of documents that the models judge, put to a real API server: the same verdict on every row, the same defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from jobs import manifests
from jobs.manifests import crd
from tests.jobs.manifests.table import ACCEPTED, CHANGED, REFUSED, Accepted, Changed, Refused
from tests.kubernetes.talking import Said, Talk, talking
from tests.tools.kube import KubeApi, KubectlFailed

pytestmark = pytest.mark.kube

WITHOUT_A_FIELD = {"kind", "apiVersion", "metadata.namespace"}  # the server knows no such place at all, and says 404


@pytest.fixture(scope="module")
def talk(farm_api: KubeApi) -> Iterator[Talk]:
    """A connection to a server that knows the farm's kinds and the table's namespace."""
    farm_api.namespace("studio-a")
    with talking(farm_api) as talk:
        yield talk


def _names(said: Said, field: str) -> bool:
    """Whether an answer names the field, or a list or a part that it stands in."""
    return any(field == named or field.startswith((f"{named}.", f"{named}[")) for named in said.fields)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.rule)
def test_is_accepted_with_the_models_defaults(talk: Talk, case: Accepted) -> None:
    said = talk.create(case.document)

    assert said.accepted is case.same_on_a_cluster, said.message
    if said.accepted:
        assert said.body["spec"] == manifests.dump(manifests.parse(case.document))["spec"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.rule)
def test_is_refused_naming_the_field(talk: Talk, case: Refused) -> None:
    said = talk.create(case.document)

    assert said.accepted is not case.same_on_a_cluster, said.message
    if said.accepted:
        return
    if case.field in WITHOUT_A_FIELD:
        assert said.code == 404
    else:
        assert _names(said, case.field), said.message


@pytest.mark.parametrize(("number", "change"), list(enumerate(CHANGED)), ids=[row.rule for row in CHANGED])
def test_changes_as_the_models_say(talk: Talk, number: int, change: Changed) -> None:
    created = talk.create(_named(change.before, f"changed-{number}"), dry=False)
    assert created.accepted, created.message

    said = talk.replace({**change.after, "metadata": created.body["metadata"]}, f"changed-{number}")

    assert said.accepted is not bool(change.fields), said.message
    assert set(said.fields) == set(change.fields)


def test_what_a_server_keeps_is_a_manifest(talk: Talk) -> None:
    kept = talk.create(_named(ACCEPTED[0].document, "kept")).body

    assert manifests.dump(manifests.parse(kept))["spec"] == kept["spec"]


def test_every_kind_has_its_names_and_columns(farm_api: KubeApi, talk: Talk) -> None:
    rows = {"bp": ACCEPTED[0], "camp": ACCEPTED[1], "rev": ACCEPTED[2]}
    for short, case in rows.items():
        assert talk.create(_named(case.document, f"shown-{short}"), dry=False).accepted

    shown = {short: farm_api.kubectl("get", short, "-n", "studio-a").splitlines()[0].split() for short in rows}
    listed = farm_api.kubectl("get", crd.CATEGORY, "-n", "studio-a", "-o", "name").split()

    assert shown == {
        "bp": ["NAME", "PHASE", "SERVING", "NEWEST", "PROGRESS", "REASON", "AGE"],
        "camp": ["NAME", "PHASE", "PROGRESS", "REASON", "AGE"],
        "rev": ["NAME", "PROJECT", "VERSION", "VERDICT", "BY", "AGE"],
    }
    assert {name.split(".")[0] for name in listed} == {"brandproject", "campaign", "review"}


def test_kubectl_explains_what_a_field_takes_and_its_default(farm_api: KubeApi) -> None:
    explained = " ".join(farm_api.kubectl("explain", "brandproject.spec.judge.seeds").split())

    assert "Seeds that each prompt is drawn with." in explained
    assert (
        "Takes a list of 1 to 32 values, each a whole number from 0 to 4294967295. Left out, [7, 21, 42]." in explained
    )


def test_kubectl_prints_the_rule_that_a_manifest_breaks(farm_api: KubeApi) -> None:
    (case,) = [case for case in REFUSED if case.rule == "a warm-up longer than the training"]

    with pytest.raises(KubectlFailed, match=r"spec\.recipe\.warmupSteps: .* write at most the steps\."):
        farm_api.kubectl("apply", "-f", "-", input=json.dumps(case.document))


def _named(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {**document, "metadata": {"name": name, "namespace": "studio-a"}}
