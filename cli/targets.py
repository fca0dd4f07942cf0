"""What a person names on a command line: `stable-socks`, `campaign/spring`, `brand stable-socks`. Asks no farm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import click

from cli.farm import nearest

BRAND, CAMPAIGN, REVIEW = "BrandProject", "Campaign", "Review"

KINDS: Mapping[str, str] = {
    "brandproject": BRAND,
    "brandprojects": BRAND,
    "project": BRAND,
    "projects": BRAND,
    "brand": BRAND,
    "brands": BRAND,
    "campaign": CAMPAIGN,
    "campaigns": CAMPAIGN,
    "review": REVIEW,
    "reviews": REVIEW,
}
"""Every word for a kind that is understood, in lower case."""


@dataclass(frozen=True)
class Target:
    """A name, and its kind where it was said."""

    kind: str | None
    name: str


def kind_of(word: str) -> str:
    """The kind that a word means. Raises UsageError."""
    kind = KINDS.get(word.lower())
    if kind is None:
        raise click.UsageError(
            f"There is no kind {word!r}.{nearest(word.lower(), KINDS)} Kinds: brandproject, campaign, review."
        )
    return kind


def parse(text: str) -> Target:
    """`name` or `kind/name`. Raises UsageError."""
    kind, slash, name = text.rpartition("/")
    if not slash:
        return Target(None, text)
    if not name:
        raise click.UsageError(f"{text!r} names no manifest. Write {text}NAME.")
    return Target(kind_of(kind), name)


def several(words: tuple[str, ...]) -> list[Target]:
    """`KIND NAME...`, or `kind/name` each. Raises UsageError."""
    if not words:
        return []
    if "/" in words[0]:
        return [_whole(word) for word in words]
    if len(words) == 1:
        raise click.UsageError(f"Say of which kind, such as campaign/{words[0]}.")
    kind = kind_of(words[0])
    return [Target(kind, name) for name in words[1:]]


def _whole(word: str) -> Target:
    target = parse(word)
    if target.kind is None:
        raise click.UsageError(f"Say of which kind {word!r} is, such as campaign/{word}.")
    return target
