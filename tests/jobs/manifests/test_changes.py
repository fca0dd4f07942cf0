"""Which changes of a manifest are refused after it was created."""

from __future__ import annotations

import pytest

from jobs import manifests
from tests.jobs.manifests.table import CHANGED, Changed


def _parsed(change: Changed) -> tuple[manifests.AnyManifest, manifests.AnyManifest]:
    return manifests.parse(change.before), manifests.parse(change.after)


@pytest.mark.parametrize("change", [row for row in CHANGED if not row.fields], ids=lambda row: row.rule)
def test_may_change(change: Changed) -> None:
    manifests.check_change(*_parsed(change))


@pytest.mark.parametrize("change", [row for row in CHANGED if row.fields], ids=lambda row: row.rule)
def test_is_fixed(change: Changed) -> None:
    before, after = _parsed(change)

    with pytest.raises(manifests.ManifestProblems, match=f"write another {after.kind}") as refused:
        manifests.check_change(before, after)

    assert {problem.field for problem in refused.value.problems} == set(change.fields)


def test_every_field_of_a_review_is_guarded() -> None:
    assert set(manifests.document.NEVER_CHANGED["Review"]) == set(manifests.ReviewSpec.model_fields)
