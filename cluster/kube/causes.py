"""Why an API server refuses a document, cause by cause, in the words that the farm has for it everywhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from jobs.manifests import FieldProblem, phrases, problems
from jobs.manifests.schema import KINDS, node_at

Path = tuple[str | int, ...]

_STEP = re.compile(r"\[(\d+)\]|\[([^\]]*)\]|([^.\[\]]+)")
_UNKNOWN = re.compile(r'unknown field "([^"]+)"')
_FROM_SCHEMA = re.compile(r"in body |supported values|must have |may not be |must be of type|^$")
"""Remarks that the server makes of the schema itself; the schema's own words for people say more."""
_TYPE_NAMES = {"object", "array", "string", "integer", "number", "boolean", "null"}


def problems_of(kind: str, causes: Iterable[dict[str, Any]]) -> list[FieldProblem]:
    """What a Status with reason Invalid says, without the server's remark that it stopped looking."""
    told = [(cause.get("field", ""), cause.get("message", "")) for cause in causes]
    return [_problem(kind, path_of(field), message) for field, message in told if field != "<nil>"]


def unknown_fields(kind: str, message: str) -> list[FieldProblem]:
    """The fields that a strict server does not know."""
    return [_unknown(kind, path_of(field)) for field in _UNKNOWN.findall(message)]


def path_of(field: str) -> Path:
    """A field as the server writes it, such as `spec.looks[0].brand`, step by step."""
    return tuple(int(index) if index else key or name for index, key, name in _STEP.findall(field))


def _problem(kind: str, path: Path, message: str) -> FieldProblem:
    label, _, rest = message.partition(": ")
    if label.startswith("Required value"):
        return FieldProblem(path, "nothing", rest or _expected(kind, path, "a value"))
    if label in ("Invalid value", "Unsupported value", "Duplicate value", "Too many", "Too long"):
        value, remark = _split(rest)
        return FieldProblem(path, value, _expected(kind, path, remark) if _FROM_SCHEMA.search(remark) else remark)
    if label == "Forbidden":
        return FieldProblem(path, "what may not stand there", rest)
    return FieldProblem(path, "what a rule of this cluster refuses", message)


def _split(text: str) -> tuple[str, str]:
    """The value that was found, in words, and the server's remark on it. For rules it names a type instead of a value."""
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        value, _, remark = text.partition(": ")
        return value, remark
    found = f"this {value}" if value in _TYPE_NAMES and isinstance(value, str) else phrases.found(value)
    return found, text[end:].removeprefix(": ")


def _expected(kind: str, path: Path, otherwise: str) -> str:
    node = node_at(kind, path) if kind in KINDS else None
    return phrases.expected(node) if node else otherwise


def _unknown(kind: str, path: Path) -> FieldProblem:
    parent = (node_at(kind, path[:-1]) if kind in KINDS else None) or {}
    known = parent.get("properties", {})
    found = f"the unknown field {path[-1]}{problems.did_you_mean(path[-1], known)}"
    return FieldProblem(path, found, f"one of the fields {', '.join(known)}" if known else "no such field", at_key=True)
