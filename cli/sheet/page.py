"""The shell of a page that opens from disk: head, policy, style and scripts inside the one file. Knows no sheet.

The policy lets nothing in from outside and runs only the scripts that are written here, so that no caption can ever act.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from cli.sheet.markup import Html, joined, tag


def document(title: str, body: Sequence[str], scripts: Sequence[str]) -> bytes:
    """A whole HTML file; `scripts` names files of this package, run in that order after the body."""
    codes = [packaged(name) for name in scripts]
    style = packaged("sheet.css")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, codes)),
        tag("title", title),
        tag("style", Html(style)),
    )
    page = tag("html", head, tag("body", *body, *(tag("script", Html(code)) for code in codes)), lang="en")
    return f"<!doctype html>\n{page}\n".encode()


@cache
def packaged(name: str) -> str:
    """The text of a file that lies beside this module."""
    return resources.files("cli.sheet").joinpath(name).read_text("utf-8")


def facts_list(facts: Sequence[tuple[str, str]]) -> Html:
    """Facts as a list of terms and values."""
    return tag("dl", joined(tag("div", tag("dt", what), tag("dd", how)) for what, how in facts), class_="facts")


def key_button(words: str, key: str, **attributes: str | bool | None) -> Html:
    """A button that says its key."""
    return tag("button", words, " ", tag("kbd", key), type="button", aria_keyshortcuts=key, **attributes)


def _policy(style: str, codes: Sequence[str]) -> str:
    scripts = " ".join(_hash(code) for code in codes) or "'none'"
    rules = (
        "default-src 'none'",
        "img-src 'self' file:",
        f"style-src {_hash(style)}",
        f"script-src {scripts}",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
