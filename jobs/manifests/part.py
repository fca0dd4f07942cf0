"""What every part of a manifest is: a frozen value, camelCase outside, snake_case inside, that refuses unknown fields.

Also how a rule over several fields says which of them is wrong. Knows no kind of manifest.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Strict
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

RENAMED = {"class_name": "class", "with_": "with"}  # words that Python keeps for itself

Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]

Value = TypeVar("Value")


def written_name(name: str) -> str:
    """A field's name as a person writes it."""
    return RENAMED.get(name) or to_camel(name)


def _sorted(mapping: dict[str, Value]) -> dict[str, Value]:
    return dict(sorted(mapping.items()))


InOrder = AfterValidator(_sorted)
"""Keeps a mapping sorted by key: an API server returns it so, and nothing may depend on another order."""


class Part(BaseModel):
    """A frozen part of a manifest."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=written_name,
        populate_by_name=True,
        allow_inf_nan=False,
    )


class Broken(NamedTuple):
    """A rule that does not hold: where, below the part that has the rule, what was found, and what to write."""

    path: tuple[str | int, ...]
    found: str
    expected: str


def keep(rules: Iterable[Broken]) -> None:
    """Refuse the part that is being validated if any rule is broken, naming all that are."""
    broken = tuple(rules)
    if broken:
        sentence = "; ".join(f"found {rule.found}, write {rule.expected}" for rule in broken)
        raise PydanticCustomError("broken_rules", "{sentence}", {"sentence": sentence, "broken": broken})


def repeated(field: str, values: Sequence[Hashable]) -> Iterator[Broken]:
    """A broken rule for each value of a list that stood there before."""
    first: dict[Hashable, int] = {}
    for index, value in enumerate(values):
        if value in first:
            yield Broken((field, index), f"{value} again, as in {field}[{first[value]}]", "each value once")
        first.setdefault(value, index)


def listed(words: Iterable[str]) -> str:
    """Words for a sentence: `a, b, c`."""
    return ", ".join(words)


def empty_values_dropped(value: object) -> object:
    """The value without mapping entries that hold nothing: an API server drops them too, and then applies defaults."""
    if isinstance(value, Mapping):
        return {key: empty_values_dropped(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [empty_values_dropped(item) for item in value]
    return value
