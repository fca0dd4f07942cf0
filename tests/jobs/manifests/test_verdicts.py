"""The same table of documents that an API server is asked about, put to the models."""

from __future__ import annotations

import pytest

from jobs import manifests
from jobs.errors import ManifestInvalid
from tests.jobs.manifests.table import ACCEPTED, PROJECT, REFUSED, Accepted, Refused, with_


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.rule)
def test_is_accepted_and_comes_back_the_same(case: Accepted) -> None:
    manifest = manifests.parse(case.document)

    assert manifests.parse(manifests.dump(manifest)) == manifest


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.rule)
def test_is_refused_naming_the_field(case: Refused) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        manifests.parse(case.document)

    assert isinstance(refused.value, manifests.ManifestProblems)
    assert [problem.field for problem in refused.value.problems] == [case.field]
    assert refused.value.reason == "ManifestInvalid"


@pytest.mark.parametrize("document", [None, "text", 7, [], [PROJECT]], ids=repr)
def test_what_is_no_mapping_is_no_manifest(document: object) -> None:
    with pytest.raises(ManifestInvalid, match="a mapping with apiVersion, kind, metadata and spec"):
        manifests.parse(document)


def test_all_problems_are_told_at_once() -> None:
    document = with_(
        PROJECT,
        metadata__name="Socks",
        spec__concept="prodct",
        spec__recipe={"rnak": 8, "steps": 0},
        spec__gate={"approvals": 11},
    )

    with pytest.raises(manifests.ManifestProblems) as refused:
        manifests.parse(document)

    assert [str(problem) for problem in refused.value.problems] == [
        'metadata.name: found "Socks"; write lower-case letters, digits and dashes, with a letter or digit at both ends, '
        "at most 63 characters.",
        'spec.concept: found "prodct"; write one of product, style, character.',
        "spec.recipe.steps: found 0; write a whole number from 1 to 20000.",
        "spec.recipe.rnak: found the unknown field rnak (did you mean rank?); write one of the fields preset, rank, alpha, "
        "steps, learningRate, resolution, batch, seed, prior, sampleEvery, captionDropout, minSnrGamma, gradientClip, "
        "weightDecay, warmupSteps, targets.",
        "spec.gate.approvals: found 11; write a whole number from 0 to 10.",
    ]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (with_(PROJECT, kind="brandproject"), "did you mean BrandProject?"),
        (with_(PROJECT, spec__dataset__min_images=3), "did you mean minImages?"),
        (with_(PROJECT, spec__finish=[{"color": {}}]), "did you mean colour?"),
    ],
    ids=["kind", "snake case", "spelling"],
)
def test_a_near_miss_is_asked_about(document: dict[str, object], words: str) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        manifests.parse(document)

    assert words in refused.value.message


def test_a_missing_field_is_described() -> None:
    with pytest.raises(manifests.ManifestProblems) as refused:
        manifests.parse(with_(PROJECT, spec__base={}))

    assert str(refused.value.problems[0]) == (
        "spec.base.name: found nothing; write name: the name of a catalogue entry, such as tiny, at most 63 characters "
        "(An entry of the farm's catalogue; resolved to a pinned digest)."
    )
