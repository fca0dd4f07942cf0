"""The words of a brand, found in its captions: the trigger, the class, the prompts that a judge would ask for. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from jobs.bases.drawn.words import RESERVED_WORDS
from jobs.manifests import names

MOST_PROMPTS = 4
SHARED = 0.8  # of the captions hold the trigger; those that do not are named
NO_CLASS = "product"
OPENING = "a photo of a"
PLAIN_SCENES = ("on a wooden table, morning sun", "on the beach, bright noon", "at night")
SHORTEST_PROPOSAL, LONGEST_PROPOSAL = 4, 10
_ABBREVIATIONS = (
    "bbc bbq brb btw cctv css ctrl dvd ftp gps hmm hrs html http jpg kfc lcd ltd mp3 mph mrs nba nbc nfl nth pdf pfft png "
    "psst pst pvc rgb rpm shh sms tnt tsk tv txt usb vhs vpn wwf xml xxl"
)
MEANS_SOMETHING = frozenset(_ABBREVIATIONS.split())
"""Words without a vowel that a base may know nevertheless."""

LARGE_VOCABULARY = 10_000  # words: one that knows so many knows the words of every day
_SMALL = "a an and at by for from in is of on the to with"
_SMALL_WORDS = frozenset(_SMALL.split())
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def found_trigger(captions: Sequence[str], vocabulary: Collection[str]) -> str | None:
    """The rare word that nearly all captions share and that the base does not know; None where there is none."""
    if not captions:
        return None
    counts = Counter(word for text in captions for word in set(_words(text)))
    shared = [word for word, count in counts.items() if count >= SHARED * len(captions)]
    rare = [word for word in shared if re.fullmatch(names.TRIGGER.pattern, word) and _is_rare(word, vocabulary)]
    return max(rare, key=lambda word: (counts[word], word in RESERVED_WORDS, -_vowels(word), word), default=None)


def means_something(word: str, vocabulary: Collection[str]) -> bool:
    """Whether a base, or a person, has a meaning for a word already. vocabulary: the words that are one token of the base."""
    return word not in RESERVED_WORDS and (word in vocabulary or word in MEANS_SOMETHING)


def proposed_trigger(name: str, vocabulary: Collection[str]) -> str:
    """A word made of a name's consonants that means nothing yet: stable-socks becomes stblsx."""
    sound = re.sub(r"c?ks", "x", name.lower())
    word = re.sub(r"[^a-z0-9]|[aeiouy]", "", sound).lstrip("0123456789")[:LONGEST_PROPOSAL]
    if len(word) < SHORTEST_PROPOSAL:
        word = (word + "xx")[:2] * 2 if len(word) < 3 else f"{word}x"
    while means_something(word, vocabulary):
        word += "x"
    return word


def found_class(captions: Sequence[str], trigger: str) -> str | None:
    """The word that most often follows the trigger; None where none does."""
    after = Counter(
        following
        for text in captions
        for word, following in zip(_words(text), _words(text)[1:], strict=False)
        if word == trigger and following not in _SMALL_WORDS
    )
    return max(after, key=lambda word: (after[word], word)) if after else None


def guessed_class(name: str, vocabulary: Collection[str]) -> str:
    """The last word of a name that the base knows, in its singular if it knows that; `product` where it knows none."""
    for word in reversed(name.lower().split("-")):
        for one in (word.removesuffix("es"), word.removesuffix("s"), word):
            if len(one) > 2 and one in vocabulary:
                return one
    return NO_CLASS


def prompts(captions: Sequence[str], trigger: str, class_name: str) -> tuple[str, ...]:
    """Up to four prompts, of places and lights that the captions themselves name, as unlike each other as can be."""
    subject = f"{trigger} {class_name}"
    openings, scenes = _opened(captions, subject)
    opening = max(openings, key=lambda text: (openings[text], text), default=OPENING)
    chosen = _unlike(scenes) if scenes else ["", *PLAIN_SCENES]
    return tuple(dict.fromkeys(f"{opening} {subject}{_joined(scene)}" for scene in chosen))


def draft(trigger: str, class_name: str) -> str:
    """A caption to begin with, for a picture that has none."""
    return f"{OPENING} {trigger} {class_name}"


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _is_rare(word: str, vocabulary: Collection[str]) -> bool:
    """Whether a word looks made up: no vowel, or a digit. A base that knows the words of every day may say more."""
    if means_something(word, vocabulary):
        return False
    if word in RESERVED_WORDS or _vowels(word) == 0 or any(letter.isdigit() for letter in word):
        return True
    return len(vocabulary) >= LARGE_VOCABULARY and 4 * _vowels(word) <= len(word)


def _vowels(word: str) -> int:
    return sum(letter in "aeiouy" for letter in word)


def _opened(captions: Sequence[str], subject: str) -> tuple[Counter[str], list[str]]:
    """How captions begin before the subject, counted, and what each says after it, once each, sorted."""
    openings: Counter[str] = Counter()
    scenes: set[str] = set()
    for text in captions:
        before, found, after = text.partition(subject)
        if found and not set("{}") & set(text):
            openings[before.strip() or OPENING] += 1
            scenes.add(after.strip())
    return openings, sorted(scene for scene in scenes if len(scene) < 200 and not scene.startswith(tuple("-'")))


def _unlike(scenes: Sequence[str]) -> list[str]:
    """One scene after another, each saying as much as can be that none before has said."""
    chosen: list[str] = []
    said: Counter[str] = Counter()
    has_commas = any("," in scene for scene in scenes)
    left: Mapping[str, frozenset[str]] = {scene: _parts(scene, has_commas) for scene in scenes}
    while left and len(chosen) < MOST_PROMPTS:
        best = min(left, key=lambda scene: (sum(said[part] for part in left[scene]), -len(left[scene]), scene))
        chosen.append(best)
        said.update(left[best])
        left = {scene: parts for scene, parts in left.items() if scene != best}
    return chosen


def _parts(scene: str, has_commas: bool) -> frozenset[str]:
    """What a scene says: its parts between commas, or where nobody writes commas, its words."""
    if has_commas:
        return frozenset(part.strip() for part in scene.split(",") if part.strip())
    return frozenset(word for word in _words(scene) if word not in _SMALL_WORDS)


def _joined(scene: str) -> str:
    return scene if not scene or scene[0] in ",.;:" else f" {scene}"
