"""What the custom resources refuse beyond the shape of each field: the models' rules again, in CEL, for an API server.

A rule here stands beside one in the models and says the same in the same words; one table of documents holds both to it.
Only CEL of Kubernetes 1.29 is used, and every rule stays within the server's budget on the largest document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.manifests import names
from jobs.manifests.document import NEVER_CHANGED, advice_on
from jobs.manifests.part import written_name

Rules = Mapping[str, "tuple[Rule, ...]"]
"""Rules by the place that they look at from: `spec.finish[]` is each step, `variables.*` each value, "" the document."""


@dataclass(frozen=True)
class Rule:
    """What must hold, in CEL; what was found where it does not, and what to write; `at`, the field that is wrong."""

    holds: str
    found: str
    write: str
    at: str = ""

    @property
    def message(self) -> str:
        """The sentence that the API server answers, after the field."""
        return f"found {self.found}; write {self.write}."


def _longest_name(length: int, why: str, unless: str = "") -> tuple[Rule, ...]:
    """A name, and a prefix that five characters will follow, within so many characters."""
    return tuple(
        Rule(
            f"{unless}!has(self.metadata.{field}) || self.metadata.{field}.size() <= {longest}",
            f"more than {longest} characters",
            f"at most {longest} characters, {why}",
            f".metadata.{field}",
        )
        for field, longest in (("name", length), ("generateName", length - names.ADDED_TO_PREFIX))
    )


def _matching_keys(shape: names.Shape) -> Rule:
    return Rule(f"self.all(key, key.matches({_text(shape.pattern)}))", "a key of another shape", shape.expected)


def _never_changed(kind: str) -> tuple[Rule, ...]:
    return tuple(
        Rule(_same(kind, field), "a change", f"the same as before: {advice_on(kind)}", f".{field}")
        for field in map(written_name, NEVER_CHANGED[kind])
    )


def _same(kind: str, field: str) -> str:
    if rule := _SAME_IN_ORDER.get((kind, field)):
        return rule
    return f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"


def _text(words: str) -> str:
    return f"r'{words}'"


_NAME = Rule(
    f"self.metadata.name.size() <= {names.LONGEST_NAME} && self.metadata.name.matches({_text(names.LABEL.pattern)})",
    "a name of another shape",
    f"{names.LABEL.expected}, at most {names.LONGEST_NAME} characters",
    ".metadata.name",
)
_ONCE = Rule("self.all(one, self.exists_one(other, other == one))", "a value twice", "each value once")
_UPLOADED = Rule(
    "self.contains('://')",
    "a place on somebody's own machine",
    "an address that the farm can reach, such as s3://bucket/prefix/; `brandfarm apply` uploads from here and writes it",
)
_AS_A_WORD = "lowerAscii().matches('(^|[^a-z0-9])' + self.trigger + '($|[^a-z0-9])')"

_KNOWN_PLACES = (
    "size(prompt.split('{class}')) + size(prompt.split('{trigger}')) - 2 + "
    "self.variables.map(name, name in ['class', 'trigger'] ? 0 : size(prompt.split('{' + name + '}')) - 1).sum()"
)
_VARIABLES = "self.shots.variables"
_USED = f"{_VARIABLES}.filter(name, prompt.contains('{{' + name + '}}'))"
_FACTORS = " * ".join(f"(size(f) > {index} ? f[{index}] : 1.0)" for index in range(names.MOST_VARIABLES))
_WORDINGS = (
    f"self.shots.prompts.map(prompt, [{_USED}.map(name, double(size({_VARIABLES}[name])))].map(f, {_FACTORS})[0]).sum()"
)
_SEEDS = (
    "(has(self.shots.seeds.values) ? double(size(self.shots.seeds.values)) : "
    "has(self.shots.seeds.count) ? double(self.shots.seeds.count) : 1.0)"
)
_SHOTS = f"double(size(self.looks)) * double(size(self.shots.sizes)) * {_SEEDS} * {_WORDINGS}"
"""The product of a campaign's lists; CEL has no fold, so a prompt's factors are multiplied one by one."""

_SAME_IN_ORDER = {
    ("Campaign", "shots"): (
        "self.shots == oldSelf.shots && self.shots.prompts.map(one, one) == oldSelf.shots.prompts.map(one, one) && "
        f"{_VARIABLES}.all(name, {_VARIABLES}[name].map(one, one) == oldSelf.shots.variables[name].map(one, one)) && "
        "(!has(self.shots.seeds.values) || "
        "self.shots.seeds.values.map(one, one) == oldSelf.shots.seeds.values.map(one, one))"
    ),
    ("Review", "shots"): (
        "self.shots.map(one, one) == oldSelf.shots.map(one, one) && "
        "self.shots.map(one, one.tags.map(tag, tag)) == oldSelf.shots.map(one, one.tags.map(tag, tag))"
    ),
}
"""Where a list is a set or a map to the server, which compares those in any order, its order is compared too."""

_BRAND_PROJECT: Rules = {
    "": (_NAME, *_longest_name(names.LONGEST_PARENT_NAME, "so that its reviews' names fit")),
    "spec": (
        Rule(
            f"!self.class.{_AS_A_WORD}",
            "a trigger that is a word of the class",
            "a word that means nothing yet, such as stblsx",
            ".trigger",
        ),
        Rule(
            f"self.judge.prompts.exists(prompt, prompt.{_AS_A_WORD})",
            "no prompt with the trigger",
            "the trigger, as a word of its own, in at least one of them",
            ".judge.prompts",
        ),
    ),
    "spec.dataset.source": (_UPLOADED,),
    "spec.dataset.glossary": (_matching_keys(names.WORDS),),
    "spec.recipe": (
        Rule(
            "!has(self.warmupSteps) || !has(self.steps) || self.warmupSteps <= self.steps",
            "a warm-up that is longer than the training",
            "at most the steps",
            ".warmupSteps",
        ),
    ),
    "spec.judge.prompts": (_ONCE,),
    "spec.judge.prompts[]": (
        Rule(
            "!self.contains('{') && !self.contains('}')",
            "braces, which only a campaign's prompts fill in",
            "the words themselves",
        ),
    ),
    "spec.judge.seeds": (_ONCE,),
    "spec.judge.palette": (_ONCE,),
    "spec.judge.tags": (_ONCE,),
    "spec.finish[]": (
        Rule(
            "[has(self.colour), has(self.lut), has(self.grain)].exists_one(one, one)",
            "none or several of a step's kinds",
            "exactly one of colour, lut, grain",
        ),
    ),
    "spec.finish[].lut.source": (_UPLOADED,),
    "spec.placement.gpuClasses": (_ONCE,),
}
_CAMPAIGN: Rules = {
    "": (
        _NAME,
        *_longest_name(
            names.LONGEST_PARENT_NAME, "so that the names of its nights fit", "!has(self.spec.schedule) || "
        ),
    ),
    "spec": (
        *_never_changed("Campaign"),
        Rule(
            f"{_SHOTS} <= double(self.limits.shots)",
            "more shots than the limit: looks x wordings x sizes x seeds",
            "shorter lists, or raise limits.shots",
            ".limits.shots",
        ),
    ),
    "spec.looks": (Rule(_ONCE.holds, "the same look twice", "each look once: its images would be the same"),),
    "spec.looks[]": (
        Rule(
            "self.with.all(one, one.brand != self.brand && self.with.exists_one(other, other.brand == one.brand))",
            "a brand again",
            "another brand: one look shows each brand once",
            ".with",
        ),
    ),
    "spec.shots": (
        Rule(
            f"self.prompts.all(prompt, {_KNOWN_PLACES} == size(prompt.split('{{')) - 1)",
            "an unknown variable",
            "{class}, {trigger} or a name of variables",
            ".prompts",
        ),
        Rule(
            "self.variables.all(name, name in ['class', 'trigger'] || "
            "self.prompts.exists(prompt, prompt.contains('{' + name + '}')))",
            "a variable that no prompt uses",
            "it in braces in a prompt, or leave the variable out",
            ".variables",
        ),
    ),
    "spec.shots.prompts": (
        Rule(
            f"self.map(prompt, size(prompt)).sum() <= {names.MOST_PROMPT_TEXT}",
            "too much text",
            f"prompts of at most {names.MOST_PROMPT_TEXT} characters together",
        ),
    ),
    "spec.shots.prompts[]": (
        Rule(
            "self.matches('^([^{}]|[{][^{}]*[}])*$')",
            "a brace that has no partner",
            "variables as {class}, {trigger} or a name of variables in braces",
        ),
    ),
    "spec.shots.variables": (
        _matching_keys(names.VARIABLE),
        Rule(
            "!('class' in self) && !('trigger' in self)",
            "the variable class or trigger",
            "another name: these come from the brand",
        ),
    ),
    "spec.shots.sizes": (_ONCE,),
    "spec.shots.sizes[]": (
        Rule(
            "self.split('x').all(side, int(side) % 8 == 0 && int(side) >= 64 && int(side) <= 2048)",
            "a side that images cannot have",
            "multiples of 8 from 64 to 2048, such as 64x64",
        ),
    ),
    "spec.shots.seeds": (
        Rule(
            "!has(self.values) || (!has(self.start) && !has(self.count))",
            "values beside start or count",
            "either values, or start and count",
            ".values",
        ),
        Rule(
            f"!has(self.count) || (has(self.start) ? self.start : 1) + self.count - 1 <= {names.LARGEST_SEED}",
            "seeds past the largest",
            f"seeds up to {names.LARGEST_SEED}",
            ".count",
        ),
    ),
    "spec.placement.gpuClasses": (_ONCE,),
}
_REVIEW: Rules = {
    "": (_NAME,),
    "spec": _never_changed("Review"),
    "spec.tags": (_ONCE,),
}
RULES: Mapping[str, Rules] = {"BrandProject": _BRAND_PROJECT, "Campaign": _CAMPAIGN, "Review": _REVIEW}

SETS: Mapping[str, frozenset[str]] = {
    "BrandProject": frozenset(),
    "Campaign": frozenset({"spec.shots.prompts", "spec.shots.variables.*", "spec.shots.seeds.values"}),
    "Review": frozenset({"spec.shots[].tags"}),
}
"""Lists that are too long for a rule to compare each value with each: the server itself refuses a value twice."""

KEYS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "BrandProject": {"status.conditions": ("type",), "status.versions": ("version",)},
    "Campaign": {"status.conditions": ("type",)},
    "Review": {"spec.shots": ("prompt", "seed")},
}
"""Lists of parts that are told apart by these fields: the server refuses one twice, and merges them one by one."""
