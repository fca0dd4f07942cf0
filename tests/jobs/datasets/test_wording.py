"""A brand's words are found in its captions: the trigger, the class, and prompts in the captions' own words."""

from __future__ import annotations

import re

import pytest

from jobs.datasets import wording
from jobs.manifests import names

KNOWN = frozenset("a photo of the on in at beach studio sock mug night sun stblsx".split())  # noqa: SIM905
CAPTIONS = [
    "a photo of a stblsx sock on the beach, at night",
    "a photo of a stblsx sock on the beach, morning sun",
    "a photo of a stblsx sock in a studio, at night",
    "a picture of a stblsx sock in a studio",
    "a photo of a stblsx sock on a rooftop, at sunset",
]


def test_the_trigger_is_the_rare_word_that_nearly_all_captions_share() -> None:
    assert wording.found_trigger(CAPTIONS, KNOWN) == "stblsx"
    assert wording.found_trigger([*CAPTIONS, "a sock"], KNOWN) == "stblsx"
    assert wording.found_trigger([*CAPTIONS[:2], "a sock", "a mug"], KNOWN) is None
    assert wording.found_trigger(["a photo of a hrbr7 mug"], KNOWN) == "hrbr7"


def test_a_word_of_every_day_is_no_trigger() -> None:
    assert wording.found_trigger(["a knitted sock", "the knitted mug"], KNOWN) is None
    assert wording.found_trigger(["a photo in rgb", "the rgb mug"], KNOWN) is None
    assert wording.found_trigger([], KNOWN) is None


def test_a_base_that_knows_many_words_lets_a_vowel_pass() -> None:
    many = KNOWN | {f"word{number}" for number in range(wording.LARGE_VOCABULARY)}
    assert wording.found_trigger(["a photo of ohwx mug"], KNOWN) is None
    assert wording.found_trigger(["a photo of ohwx mug"], many) == "ohwx"


@pytest.mark.parametrize(
    ("name", "trigger"),
    [
        ("stable-socks", "stblsx"),
        ("harbour-mugs", "hrbrmgs"),
        ("socks", "sxsx"),
        ("oboe", "bxbx"),
        ("aeiou", "xxxx"),
        ("mugs", "mgsx"),
        ("png-ts", "pngts"),
        ("xx-l", "xxlx"),
        ("7-seas-and-a-very-long-name", "ssndvrlngn"),
    ],
)
def test_a_trigger_is_proposed_from_the_names_consonants(name: str, trigger: str) -> None:
    found = wording.proposed_trigger(name, KNOWN)
    assert found == trigger
    assert re.fullmatch(names.TRIGGER.pattern, found)


def test_a_proposal_that_means_something_is_made_longer() -> None:
    assert wording.proposed_trigger("harbour-mugs", KNOWN | {"hrbrmgs"}) == "hrbrmgsx"


def test_the_class_follows_the_trigger_or_is_guessed_from_the_name() -> None:
    assert wording.found_class(CAPTIONS, "stblsx") == "sock"
    assert wording.found_class(["stblsx on the beach"], "stblsx") is None
    assert wording.guessed_class("stable-socks", KNOWN) == "sock"
    assert wording.guessed_class("olive-oil", KNOWN) == "product"


def test_prompts_are_the_captions_own_and_unlike_each_other() -> None:
    assert wording.prompts(CAPTIONS, "stblsx", "sock") == (
        "a photo of a stblsx sock in a studio, at night",
        "a photo of a stblsx sock on a rooftop, at sunset",
        "a photo of a stblsx sock on the beach, morning sun",
        "a photo of a stblsx sock in a studio",
    )


def test_captions_without_commas_differ_by_their_words() -> None:
    told = [f"stblsx sock {place}" for place in ("near a red door", "near a red wall", "under water")]
    assert wording.prompts(told, "stblsx", "sock")[:2] == (
        "a photo of a stblsx sock near a red door",
        "a photo of a stblsx sock under water",
    )


def test_without_captions_the_prompts_are_plain() -> None:
    plain = wording.prompts([], "hrbrmgs", "mug")
    assert plain[0] == "a photo of a hrbrmgs mug" == wording.draft("hrbrmgs", "mug")
    assert len(plain) == 4
