"""JSON values as YAML that every reader takes the same way: 1.1 or 1.2, a plain `no` is never written for the word no."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
INDENT = "  "


def written(value: Any) -> str:
    """A value as a YAML document."""
    if not _is_nested(value):
        return f"{_scalar(value)}\n"
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _entry(f"{_scalar(key)}:", item)
    else:
        for item in value:
            yield from _item(item)


def _entry(head: str, item: Any) -> Iterator[str]:
    if not _is_nested(item):
        yield f"{head} {_scalar(item)}"
        return
    yield head
    for line in _lines(item):
        yield INDENT + line


def _item(item: Any) -> Iterator[str]:
    if not _is_nested(item):
        yield f"- {_scalar(item)}"
        return
    for number, line in enumerate(_lines(item)):
        yield ("- " if number == 0 else INDENT) + line


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list | tuple) and bool(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
