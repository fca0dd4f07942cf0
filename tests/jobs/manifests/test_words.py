"""Small words of the manifests: versions, sources, samplers, conditions."""

from __future__ import annotations

import pytest

from jobs import manifests
from jobs.manifests import prompts
from jobs.shots import Sampling


def test_a_versions_name_and_number_belong_together() -> None:
    assert manifests.version_name(12) == "v12"
    assert manifests.version_number("v12") == 12


@pytest.mark.parametrize("word", ["serving", "v0", "v01", "12", "v1\n", "v-1"])
def test_other_words_are_no_version(word: str) -> None:
    with pytest.raises(ValueError, match="is not a version"):
        manifests.version_number(word)


@pytest.mark.parametrize(
    ("source", "local"),
    [
        ("./shots", True),
        ("/data/shots", True),
        ("~/shots", True),
        ("s3://bucket/a", False),
        ("upload://" + "0" * 64, False),
    ],
)
def test_a_source_is_local_unless_it_names_a_store(source: str, local: bool) -> None:
    assert manifests.is_local(source) is local


def test_a_sampler_becomes_a_shots_sampling() -> None:
    assert manifests.Sampler(name=manifests.SamplerName.EULER, steps=9, guidance=2.5).sampling == Sampling(
        name="euler", steps=9, guidance=2.5
    )


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("a stblsx sock", True),
        ("STBLSX", True),
        ("(stblsx:1.2)", True),
        ("stblsxs", False),
        ("xstblsx", False),
        ("", False),
    ],
)
def test_the_trigger_is_a_word_of_its_own(prompt: str, named: bool) -> None:
    assert prompts.names_trigger(prompt, "stblsx") is named


def test_a_condition_is_found_by_its_type() -> None:
    ready = manifests.Condition(
        type="Ready",
        status=manifests.ConditionStatus.TRUE,
        reason="Serving",
        last_transition_time="2026-11-21T01:30:00Z",
    )
    status = manifests.BrandProjectStatus(phase="Ready", conditions=(ready,))

    assert status.condition("Ready") == ready
    assert status.condition("Degraded") is None
