"""A page as a browser without scripts sees it: its elements with their attributes, and its text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

ADDRESSES = ("src", "href", "action", "data", "poster", "srcset", "xlink:href")


class Page(HTMLParser):
    """The elements of a page in order, as (name, attributes), and the text outside scripts and styles."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.codes: list[str] = []
        self.styles: list[str] = []
        self._within = ""
        self.source = page.read_text("utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.codes.append(data)
        elif self._within == "style":
            self.styles.append(data)
        else:
            self.words += data

    def all(self, name: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of every element of that name with those attributes."""
        return [
            found
            for tag, found in self.elements
            if tag == name and all(found.get(key.rstrip("_")) == value for key, value in attributes.items())
        ]

    @property
    def addresses(self) -> set[str]:
        """Everything that the page would fetch or lead to."""
        in_styles = {found for style in self.styles for found in re.findall(r"url\(([^)]*)\)|@import", style)}
        return in_styles | {found[key] for _, found in self.elements for key in ADDRESSES if key in found}
