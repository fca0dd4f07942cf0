"""YAML text as plain values, with the line and column of each: JSON's types only, every alias counted, nothing constructed.

YAML 1.2: true and false are the only booleans, a date is text. Knows no manifest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

Path = tuple[str | int, ...]

MOST_VALUES = (
    100_000  # keys and values of a document, aliases followed: the largest review has 84,000, and no billion laughs
)
DEEPEST = 24  # levels; a manifest has nine

_TAG = "tag:yaml.org,2002:"
_TEXT = {"str", "timestamp"}


@dataclass(frozen=True, order=True)
class Place:
    """A line and a column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Trouble:
    """Something that a text may not say: where, in which field, what was found and what to write."""

    place: Place
    path: Path
    found: str
    expected: str


@dataclass
class Reading:
    """One document: its plain value, where each of its values and keys stands, and what is wrong with its YAML."""

    value: Any = None
    place: Place = Place(1, 1)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)


def read_documents(text: str) -> Iterator[Reading]:
    """The documents of a text that hold anything; what cannot be read ends the text with a reading of its own."""
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # a second &name hides the first, as YAML says
    nodes = yaml.compose_all(text)
    while True:
        try:
            node = next(nodes, None)
        except (YAMLError, RecursionError) as error:
            yield Reading(troubles=[_unreadable(error, text)])
            return
        if node is None:
            return
        if not _is_nothing(node):
            yield _Walk().read(node)


class _TooMuch(Exception):
    """A document unfolds into more than a manifest can be."""


class _Walk:
    """One walk over a document's nodes, counting what it meets."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.met = 0

    def read(self, node: Node) -> Reading:
        self.reading.place = _place(node)
        try:
            self.reading.value = self._value(node, ())
        except _TooMuch as stop:
            expected = "it out in full, with fewer aliases" if "values" in str(stop) else "fewer levels"
            self.reading.troubles.append(Trouble(_place(node), (), str(stop), expected))
        return self.reading

    def _value(self, node: Node, path: Path) -> Any:
        self._count()
        if len(path) > DEEPEST:
            raise _TooMuch(f"a document more than {DEEPEST} levels deep")
        self.reading.values[path] = _place(node)
        match node:
            case MappingNode():
                return self._mapping(node, path)
            case SequenceNode():
                return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
            case _:
                return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            self._count()
            if key.tag == _TAG + "merge":
                merged = {**self._merged(value, path), **merged}
            elif not isinstance(key, ScalarNode):
                self._refuse(key, path, "a key that is not a word", "one word before the colon")
            elif key.value in own:
                self._refuse_duplicate(key, (*path, key.value))
            else:
                self.reading.keys[*path, key.value] = _place(key)
                own[key.value] = self._value(value, (*path, key.value))
        return {**merged, **own}

    def _merged(self, node: Node, path: Path) -> dict[str, Any]:
        """What `<<: *anchor` brings in; the first of several wins, and the mapping's own keys win over all."""
        sources = node.value if isinstance(node, SequenceNode) else [node]
        brought: dict[str, Any] = {}
        for source in sources:
            if isinstance(source, MappingNode):
                brought = {**self._brought(source, path), **brought}
            else:
                self._refuse(
                    source,
                    path,
                    "<< before a value that is not a mapping",
                    "an alias of a mapping, such as <<: *shared",
                )
        return brought

    def _brought(self, source: MappingNode, path: Path) -> dict[str, Any]:
        """The source's value; the places that the mapping has already are kept."""
        keys, values = dict(self.reading.keys), dict(self.reading.values)
        brought = self._value(source, path)
        assert isinstance(brought, dict)
        self.reading.keys.update(keys)
        self.reading.values.update(values)
        return brought

    def _scalar(self, node: Node, path: Path) -> Any:
        kind = str(node.tag).removeprefix(_TAG)
        text = str(node.value)
        if kind in _TEXT:
            return text
        try:
            return _CONVERTED[kind](text)
        except (KeyError, ValueError):
            self._refuse(node, path, f"{text!r} with the tag {kind}", "a plain value: text, a number, true or false")
            return None

    def _count(self) -> None:
        self.met += 1
        if self.met > MOST_VALUES:
            raise _TooMuch(f"a document that unfolds to more than {MOST_VALUES} values")

    def _refuse(self, node: Node, path: Path, found: str, expected: str) -> None:
        self.reading.troubles.append(Trouble(_place(node), path, found, expected))

    def _refuse_duplicate(self, key: Node, path: Path) -> None:
        first = self.reading.keys[path]
        found = f"the field {key.value} a second time, as on line {first.line}"
        self._refuse(key, path, found, "it once")


def _whole(text: str) -> int:
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2].lower(), 10)
    return sign * int(digits[2:] if base != 10 else digits, base)


def _number(text: str) -> float:
    plain = text.replace("_", "").lower()
    if plain.endswith((".inf", ".nan")):
        return {".nan": math.nan, "-.inf": -math.inf}.get(plain, math.inf)
    return float(plain)


_CONVERTED: dict[str, Callable[[str], Any]] = {
    "int": _whole,
    "float": _number,
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "null": lambda text: None,
}


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == _TAG + "null"


def _unreadable(error: YAMLError | RecursionError, text: str) -> Trouble:
    match error:
        case ReaderError():
            line = text.count("\n", 0, error.position) + 1
            column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
            return Trouble(Place(line, column), (), f"the character U+{error.character:04X}", "printable text")
        case MarkedYAMLError() if error.problem_mark is not None:
            place = Place(error.problem_mark.line + 1, error.problem_mark.column + 1)
            return Trouble(place, (), *_explained(error, str(error.problem or "")))
        case _:
            return Trouble(Place(1, 1), (), f"a document more than {DEEPEST} levels deep", "fewer levels")


def _explained(error: MarkedYAMLError, problem: str) -> tuple[str, str]:
    """What was found and what to write, for the mistakes that people make."""
    if r"'\t'" in problem:
        return "a tab", "spaces: YAML indents with spaces alone"
    if "undefined alias" in problem:
        return problem.removeprefix("found "), "an anchor before it, such as &shared, or the value itself"
    if "mapping values are not allowed" in problem:
        return "a second colon, or a line indented too far", "text that holds a colon in quotes, and equal indents"
    context = str(error.context or "")
    if "quoted scalar" in context and error.context_mark is not None:
        return f"a quote that opens on line {error.context_mark.line + 1} and never closes", "its closing quote"
    if "flow" in context and error.context_mark is not None:
        return f"a bracket that opens on line {error.context_mark.line + 1} and does not close", "its closing bracket"
    return problem.removeprefix("found ") or context, "YAML: check quotes, brackets and indents up to here"
