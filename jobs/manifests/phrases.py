"""A schema's node and a found value, each as words of a sentence. Knows no manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from jobs.manifests import names

_LONGEST_QUOTE = 60


def expected(node: Mapping[str, Any]) -> str:
    """What a node of a schema takes, such as `a whole number from 1 to 128`."""
    if "enum" in node:
        return one_of(node["enum"])
    match node.get("type"):
        case "string":
            return _text(node)
        case "integer":
            return "a whole number" + _range(node)
        case "number":
            return "a number" + _range(node)
        case "boolean":
            return "true or false"
        case "array":
            return f"a list of {_count(node)}values, each {expected(node['items'])}"
        case _:
            return _mapping(node)


def one_of(choices: Iterable[object]) -> str:
    """The choice, or all of them where there are several."""
    words = [str(choice) for choice in choices]
    return words[0] if len(words) == 1 else f"one of {', '.join(words)}"


def found(value: object) -> str:
    """What stands there, shortly, as a person would read it aloud."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            quoted = json.dumps(value, ensure_ascii=False)
            return (
                quoted if len(quoted) <= _LONGEST_QUOTE else f'{quoted[:_LONGEST_QUOTE]}..." ({len(value)} characters)'
            )
        case Mapping():
            return f"a mapping of {', '.join(map(str, list(value)[:6]))}" if value else "an empty mapping"
        case list() | tuple():
            return f"a list of {len(value)}" if value else "an empty list"
        case _:
            return str(value)


def _text(node: Mapping[str, Any]) -> str:
    words = names.EXPECTED.get(node.get("pattern", ""), "text")
    longest = node.get("maxLength")
    return f"{words}, at most {longest} characters" if longest else words


def _range(node: Mapping[str, Any]) -> str:
    bounds = (
        _bound(node, "minimum", "from"),
        _bound(node, "exclusiveMinimum", "above"),
        _bound(node, "maximum", "to" if "minimum" in node else "up to"),
        _bound(node, "exclusiveMaximum", "below"),
        _bound(node, "multipleOf", "in steps of"),
    )
    return "".join(bounds)


def _bound(node: Mapping[str, Any], key: str, word: str) -> str:
    if key not in node:
        return ""
    value = node[key]
    return f" {word} {int(value) if float(value).is_integer() else value}"


def _count(node: Mapping[str, Any]) -> str:
    least, most = node.get("minItems"), node.get("maxItems")
    if least and most:
        return f"{least} to {most} "
    if most:
        return f"at most {most} "
    return f"at least {least} " if least else ""


def _mapping(node: Mapping[str, Any]) -> str:
    values = node.get("additionalProperties")
    if isinstance(values, Mapping):
        return f"a mapping of text to {expected(values)}"
    properties = node.get("properties")
    return f"a mapping with the fields {', '.join(properties)}" if properties else "a mapping"
