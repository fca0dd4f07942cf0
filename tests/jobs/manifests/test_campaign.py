"""How many shots a campaign is, and the sentences when its lists are wrong."""

from __future__ import annotations

import pytest

from jobs import manifests
from jobs.shots import Look, Plan
from tests.jobs.manifests.table import CAMPAIGN, with_

LISTS = {
    "prompts": ["a {trigger} {class} on a {place}, {light}", "a {class} in {light}", "a {trigger}"],
    "variables": {"place": ["beach", "rooftop", "studio"], "light": ["sun", "dusk"]},
    "sizes": ["64x64", "64x96"],
    "seeds": {"start": 5, "count": 4},
}


def _campaign(**changes: object) -> manifests.Campaign:
    campaign = manifests.parse(with_(CAMPAIGN, **changes))
    assert isinstance(campaign, manifests.Campaign)
    return campaign


def _problem(**changes: object) -> str:
    with pytest.raises(manifests.ManifestProblems) as refused:
        _campaign(**changes)
    (problem,) = refused.value.problems
    return str(problem)


def test_the_product_of_the_lists_is_the_plans_count() -> None:
    spec = _campaign(spec__shots=LISTS, spec__looks=[{"brand": "a"}, {"brand": "b"}]).spec
    plan = Plan(
        base="0" * 64,
        looks=(Look(label="a"), Look(label="b")),
        prompts=spec.shots.prompts,
        variables=spec.shots.variables,
        sizes=spec.shots.pixel_sizes,
        seeds=spec.shots.seeds.numbers,
    )

    assert spec.shot_count == plan.count == 2 * (6 + 2 + 1) * 2 * 4
    assert spec.product == (
        "2 looks x 9 wordings (prompts[0]: 3 place x 2 light; prompts[1]: 2 light) x 2 sizes x 4 seeds = 144 shots"
    )


def test_too_many_shots_are_refused_with_the_product_spelled_out() -> None:
    assert _problem(spec__shots=LISTS, spec__limits={"shots": 71}) == (
        "spec.limits.shots: found 1 look x 9 wordings (prompts[0]: 3 place x 2 light; prompts[1]: 2 light) x 2 sizes "
        "x 4 seeds = 72 shots; write shorter lists, or raise limits.shots (now 71)."
    )


def test_an_unknown_variable_is_named_with_those_that_are_known() -> None:
    assert _problem(spec__shots={"prompts": ["a {place} in {hue}"], "variables": {"place": ["x"]}}) == (
        "spec.shots.prompts[0]: found the unknown variable {hue}; write one of {class}, {place}, {trigger}."
    )


def test_a_declared_variable_must_be_used() -> None:
    assert _problem(spec__shots__variables={"light": ["sun"]}) == (
        "spec.shots.variables.light: found a variable that no prompt uses; "
        "write {light} in a prompt, or leave the variable out."
    )


@pytest.mark.parametrize("prompt", ["a {", "a }", "a {{trigger}}", "a {x {trigger}}"])
def test_braces_come_in_pairs(prompt: str) -> None:
    assert "a brace that has no partner" in _problem(spec__shots__prompts=[prompt])


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ({}, (1,)),
        ({"count": 3}, (1, 2, 3)),
        ({"start": 0, "count": 2}, (0, 1)),
        ({"start": 9}, (9,)),
        ({"values": [42, 7]}, (42, 7)),
    ],
    ids=str,
)
def test_seeds_are_a_row_or_the_values_themselves(written: dict[str, object], numbers: tuple[int, ...]) -> None:
    assert _campaign(spec__shots__seeds=written).spec.shots.seeds.numbers == numbers


def test_variables_are_kept_by_name_whatever_order_they_were_written_in() -> None:
    shots = _campaign(spec__shots=LISTS).spec.shots

    assert list(shots.variables) == ["light", "place"]


def test_a_look_lists_its_own_brand_first() -> None:
    (look,) = _campaign(
        spec__looks=[{"brand": "a", "strength": 0.9, "with": [{"brand": "b", "strength": 0.4}]}]
    ).spec.looks

    assert [(choice.brand, choice.version, choice.strength) for choice in look.choices] == [
        ("a", "serving", 0.9),
        ("b", "serving", 0.4),
    ]


def test_the_queue_is_the_namespace_where_none_is_named() -> None:
    assert _campaign().queue == "studio-a"
    assert _campaign(spec__placement={"queue": "night"}).queue == "night"
