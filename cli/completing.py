"""What a shell may offer for the words of a verb: names from the farm's manifests, versions, bases, kinds. Silent where there is none.

Reads the home's SQLite and the store's folder directly: a key press waits for this, and the farm's own modules take a second to load.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import click
from click.shell_completion import CompletionItem, ShellComplete

Offer = Callable[[Path, Sequence[str]], list[str]]
"""Words that may stand here, from the farm's home and the words before it on the line, the verb's own left out."""

KINDS = ("brandproject", "campaign", "review")
_OF_KIND = {"brandproject": "BrandProject", "brand": "BrandProject", "campaign": "Campaign", "review": "Review"}
_NAMES = "SELECT DISTINCT name FROM documents WHERE kind = ? ORDER BY name"
_VERSIONS = """
SELECT json_extract(version.value, '$.version')
FROM documents, json_each(documents.json, '$.status.versions') AS version
WHERE documents.kind = 'BrandProject' AND documents.name = ?
"""
_NAMESPACES = "SELECT DISTINCT namespace FROM documents ORDER BY namespace"


def brands(home: Path, _before: Sequence[str]) -> list[str]:
    """Every brand."""
    return _rows(home, _NAMES, "BrandProject")


def campaigns(home: Path, _before: Sequence[str]) -> list[str]:
    """Every campaign."""
    return _rows(home, _NAMES, "Campaign")


def either(home: Path, before: Sequence[str]) -> list[str]:
    """Every brand, and every campaign as `campaign/NAME`."""
    return [*brands(home, before), *(f"campaign/{name}" for name in campaigns(home, before))]


def versions(home: Path, before: Sequence[str]) -> list[str]:
    """The versions of the brand that was named before."""
    return _rows(home, _VERSIONS, before[0]) if before else []


def kinds(_home: Path, _before: Sequence[str]) -> list[str]:
    """The words for the kinds of manifests."""
    return list(KINDS)


def of_kind(home: Path, before: Sequence[str]) -> list[str]:
    """The names of the kind that was named before."""
    return _rows(home, _NAMES, _OF_KIND.get(before[0], "")) if before else []


def any_of_kind(home: Path, before: Sequence[str]) -> list[str]:
    """Kinds first, then the names of that kind; or KIND/NAME."""
    if before and "/" not in before[0]:
        return of_kind(home, before)
    return [*kinds(home, before), *(f"{kind}/{name}" for kind in KINDS for name in of_kind(home, [kind]))]


def bases(home: Path, _before: Sequence[str]) -> list[str]:
    """The shipped bases, and those of a store that is a folder."""
    import jobs.bases

    shipped = (path.parent.name for one in jobs.bases.__path__ for path in Path(one).glob("*/unet"))
    return sorted({*shipped, *_folders(home / "store" / "catalogue")})


def shells(_home: Path, _before: Sequence[str]) -> list[str]:
    """The shells that can complete."""
    return ["bash", "zsh", "fish"]


def namespaces(home: Path) -> list[str]:
    """The namespaces that have manifests."""
    return _rows(home, _NAMESPACES)


OFFERS: dict[str, tuple[Offer, ...]] = {
    "approve": (brands, versions),
    "cancel": (either, versions),
    "completion": (shells,),
    "critique": (brands, versions),
    "delete": (any_of_kind,),
    "export": (brands, versions),
    "get": (kinds, of_kind),
    "logs": (either,),
    "promote": (brands, versions),
    "pull": (campaigns,),
    "rerun": (campaigns,),
    "retry": (either, versions),
    "rollback": (brands,),
    "sheet": (brands,),
    "show": (bases,),
    "status": (either,),
    "versions": (brands, versions),
    "wait": (either,),
    "why": (either, versions),
}
"""What each word after a verb may be; the last one of a verb that takes many words holds for all that follow."""
MANY = frozenset({"delete"})
GROUPS = frozenset({"base", "campaign", "store"})
"""Verbs that have verbs of their own."""


def offered(verb: str, before: Sequence[str], incomplete: str, home: Path | None = None) -> list[CompletionItem]:
    """What may stand after a verb and some words, as the shell is told."""
    offers = OFFERS.get(verb, ())
    if home is None and os.environ.get("BRANDFARM_CONTEXT"):
        return []
    place = min(len(before), len(offers) - 1) if verb in MANY else len(before)
    if place >= len(offers):
        return []
    return [CompletionItem(one) for one in offers[place](home or _home(), before) if one.startswith(incomplete)]


def of_verb(verb: click.Command, words: Sequence[str], incomplete: str) -> list[CompletionItem]:
    """What may follow, asked of the verb itself: its verbs, its options and what they take."""
    return _Whole(verb, {}, verb.name or "", "").get_completions(list(words), incomplete)


def teach(verb: click.Command, name: str) -> None:
    """Tells a verb's arguments and options what a shell may offer for them."""
    places = [one for one in verb.params if isinstance(one, click.Argument)]
    for place, _offer in zip(places, OFFERS.get(name, ()), strict=False):
        place._custom_shell_complete = _of_argument(name, places)
    for option in verb.params:
        if option.name == "namespace" and isinstance(option, click.Option):
            option._custom_shell_complete = _of_namespace


def _of_argument(name: str, places: Sequence[click.Argument]) -> Callable[..., list[CompletionItem]]:
    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        if ctx.params.get("context"):
            return []  # a cluster's names are not here, and a key press does not wait for a cluster
        before = [word for one in places for word in _words(ctx.params.get(one.name or ""))]
        return offered(name, before, incomplete, ctx.params.get("home"))

    return complete


def _of_namespace(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    if ctx.params.get("context"):
        return []
    home = ctx.params.get("home") or _home()
    return [CompletionItem(one) for one in namespaces(home) if one.startswith(incomplete)]


class _Whole(ShellComplete):
    """click's own way from words to what may follow them; the shell is written elsewhere."""

    name = "any"


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        yield from map(str, value)


def _home() -> Path:
    from cluster import farm_home

    return farm_home.default_home()


def _rows(home: Path, question: str, *given: str) -> list[str]:
    """The first column of what the manifests answer; nothing where there is no farm, or it is busy or broken."""
    path = home / "farm.sqlite"
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.2)) as kept:
            return [str(row[0]) for row in kept.execute(question, given)]
    except sqlite3.Error:
        return []


def _folders(place: Path) -> list[str]:
    try:
        return [one.name for one in os.scandir(place) if one.is_dir()]
    except OSError:
        return []
