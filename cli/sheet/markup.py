"""HTML from values: every text and attribute is escaped unless it is markup already. Knows no page."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

VOID = frozenset({"br", "img", "input", "link", "meta"})

Attribute = str | int | float | bool | None


class Html(str):
    """Markup that is safe to stand in a page as it is."""

    __slots__ = ()


def tag(element: str, /, *children: str, **attributes: Attribute) -> Html:
    """An element; plain strings among its children are escaped.

    `class_` is written class, `data_seed` data-seed; True writes the name alone, None and False leave the attribute out.
    """
    opening = f"<{element}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if element in VOID:
        return Html(opening)
    return Html(f"{opening}{joined(children)}</{element}>")


def joined(parts: Iterable[str]) -> Html:
    """Parts one after another; plain strings are escaped."""
    return Html("".join(part if isinstance(part, Html) else html.escape(part) for part in parts))


def data_block(element_id: str, value: Any) -> Html:
    """A JSON value for the page's own script; nothing in it can end the block or begin another."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return tag("script", Html(text), type="application/json", id=element_id)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
