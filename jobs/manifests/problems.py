"""What is wrong with a manifest, place by place: where, what was found, what to write. Knows no file and no line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from jobs.errors import ManifestInvalid
from jobs.manifests import phrases
from jobs.manifests.part import Broken, written_name
from jobs.manifests.schema import node_at

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class FieldProblem:
    """One thing that is wrong. With `at_key` it is the field's name rather than its value that is."""

    path: Path
    found: str
    expected: str
    at_key: bool = False

    @property
    def field(self) -> str:
        """The path as people write it, such as `spec.looks[0].with[1].brand`."""
        return field_name(self.path)

    def __str__(self) -> str:
        return f"{self.field or 'the document'}: found {self.found}; write {self.expected}."


class ManifestProblems(ManifestInvalid):
    """A manifest that cannot be accepted, with everything that is wrong with it."""

    def __init__(self, title: str, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{title} cannot be accepted:{lines}", hint="Correct these fields and apply it again.")

    @property
    def reason(self) -> str:
        """ManifestInvalid, whatever it was that found the problems."""
        return ManifestInvalid.__name__


def field_name(path: Path) -> str:
    """A path as people write it: names joined by dots, indices in brackets."""
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return name.removeprefix(".")


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A question after an unknown word, naming the known one that is nearest; empty where none is near."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(written_name(str(word)).lower(), by_lower, n=1)
    return f" (did you mean {by_lower[close[0]]}?)" if close else ""


def problems_of(kind: str, error: ValidationError) -> Iterator[FieldProblem]:
    """Everything that a failed validation of a manifest of that kind says."""
    details = error.errors(include_url=False)
    for detail in details:
        if not _only_counts_the_sound(detail, details):
            yield from _problems(kind, detail)


def _only_counts_the_sound(detail: Any, details: Iterable[Any]) -> bool:
    """Whether a list is called too short merely because items of it, that have problems of their own, do not count."""
    depth = len(detail["loc"])
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > depth and other["loc"][:depth] == detail["loc"] for other in details
    )


def _problems(kind: str, detail: Any) -> Iterator[FieldProblem]:
    path: Path = detail["loc"]
    if path[-1:] == ("[key]",):
        yield _wrong_key(kind, path[:-1])
        return
    match detail["type"]:
        case "broken_rules":
            yield from _broken_rules(path, detail["ctx"]["broken"])
        case "extra_forbidden":
            yield _unknown_field(kind, path)
        case "missing":
            yield FieldProblem(path, "nothing", _with_description(kind, path))
        case "value_error":
            yield FieldProblem(path, phrases.found(detail["input"]), str(detail["ctx"]["error"]))
        case _:
            node = node_at(kind, path)
            yield FieldProblem(path, phrases.found(detail["input"]), phrases.expected(node) if node else detail["msg"])


def _broken_rules(path: Path, broken: Iterable[Broken]) -> Iterator[FieldProblem]:
    for rule in broken:
        yield FieldProblem((*path, *rule.path), rule.found, rule.expected)


def _unknown_field(kind: str, path: Path) -> FieldProblem:
    parent = node_at(kind, path[:-1]) or {}
    known = parent.get("properties", {})
    found = f"the unknown field {path[-1]}{did_you_mean(path[-1], known)}"
    return FieldProblem(path, found, f"one of the fields {', '.join(known)}", at_key=True)


def _wrong_key(kind: str, path: Path) -> FieldProblem:
    parent: Mapping[str, Any] = node_at(kind, path[:-1]) or {}
    expected = phrases.expected({"type": "string", **parent.get("propertyNames", {})})
    return FieldProblem(path, f"the key {phrases.found(path[-1])}", expected, at_key=True)


def _with_description(kind: str, path: Path) -> str:
    node = node_at(kind, path)
    if node is None:
        return f"a value for {path[-1]}"
    description = node.get("description", "").rstrip(".")
    return f"{path[-1]}: {phrases.expected(node)}" + (f" ({description})" if description else "")
