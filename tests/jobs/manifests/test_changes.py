"""Which changes of a manifest are refused after it was created."""

from __future__ import annotations

from typing import Any

import pytest

from jobs import manifests
from tests.jobs.manifests.table import CAMPAIGN, PROJECT, REVIEW, with_


def _check(document: dict[str, Any], **changes: Any) -> None:
    manifests.check_change(manifests.parse(document), manifests.parse(with_(document, **changes)))


def test_a_project_may_change_in_everything() -> None:
    _check(PROJECT, spec__class="stocking", spec__recipe={"rank": 8}, spec__serve="v2", spec__gate={"approvals": 0})


def test_a_campaigns_limits_and_placement_may_change() -> None:
    _check(CAMPAIGN, spec__limits={"shots": 9}, spec__placement={"priority": "high"})


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("spec.looks", {"spec__looks": [{"brand": "other"}]}),
        ("spec.shots", {"spec__shots__seeds": {"count": 2}}),
        ("spec.sampler", {"spec__sampler": {"steps": 9}}),
    ],
)
def test_what_a_campaign_draws_is_fixed(field: str, change: dict[str, Any]) -> None:
    with pytest.raises(manifests.ManifestProblems, match="write another Campaign") as refused:
        _check(CAMPAIGN, **change)

    assert [problem.field for problem in refused.value.problems] == [field]


def test_a_review_is_never_changed() -> None:
    with pytest.raises(manifests.ManifestProblems, match="write another Review") as refused:
        _check(REVIEW, spec__verdict="reject", spec__projectUid="u1")

    assert {problem.field for problem in refused.value.problems} == {"spec.verdict", "spec.projectUid"}


def test_every_field_of_a_review_is_guarded() -> None:
    assert set(manifests.document.NEVER_CHANGED["Review"]) == set(manifests.ReviewSpec.model_fields)
