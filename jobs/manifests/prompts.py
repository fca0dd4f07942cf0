"""What a prompt template is: text with `{variables}` that are filled in and nothing else. Knows no model and no encoder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

from jobs.manifests.part import Broken, listed

ALWAYS_KNOWN = ("class", "trigger")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def variables_of(template: str) -> tuple[str, ...]:
    """The names between braces, each once, in order."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(template)))


def names_trigger(prompt: str, trigger: str) -> bool:
    """Whether the trigger stands in the prompt as a word of its own, in any case of A to Z (encoders lower it)."""
    return re.search(rf"(^|[^a-z0-9]){trigger}($|[^a-z0-9])", prompt, re.IGNORECASE | re.ASCII) is not None


def wordings(templates: Sequence[str], variables: Mapping[str, Sequence[str]]) -> int:
    """How many prompts the templates become: for each, the product of the lists of the variables that it uses."""
    return sum(prod(_lengths(template, variables).values()) for template in templates)


def spelled(templates: Sequence[str], variables: Mapping[str, Sequence[str]]) -> str:
    """The count of wordings with its factors, such as `4 wordings (prompts[0]: 2 place x 2 light)`."""
    factors = (
        f"prompts[{index}]: " + " x ".join(f"{length} {name}" for name, length in lengths.items())
        for index, template in enumerate(templates)
        if (lengths := _lengths(template, variables))
    )
    detail = "; ".join(factors)
    count = wordings(templates, variables)
    return f"{count} {'wording' if count == 1 else 'wordings'}" + (f" ({detail})" if detail else "")


def broken_templates(templates: Sequence[str], variables: Iterable[str]) -> Iterator[Broken]:
    """The rules of templates: every variable is known, every declared one is used, no brace stands alone."""
    declared = tuple(variables)
    known = listed("{" + name + "}" for name in sorted({*ALWAYS_KNOWN, *declared}))
    for index, template in enumerate(templates):
        if _lone_brace(template):
            yield Broken(("prompts", index), "a brace that has no partner", f"variables as one of {known}")
        for name in variables_of(template):
            if name not in {*ALWAYS_KNOWN, *declared}:
                yield Broken(("prompts", index), "the unknown variable {" + name + "}", f"one of {known}")
    yield from _broken_declarations(templates, declared)


def _broken_declarations(templates: Sequence[str], declared: Sequence[str]) -> Iterator[Broken]:
    used = {name for template in templates for name in variables_of(template)}
    for name in declared:
        if name in ALWAYS_KNOWN:
            yield Broken(("variables", name), f"the variable {name}", "another name: this one comes from the brand")
        elif name not in used:
            expected = "{" + name + "} in a prompt, or leave the variable out"
            yield Broken(("variables", name), "a variable that no prompt uses", expected)


def _lone_brace(template: str) -> bool:
    return bool({"{", "}"} & set(_PLACEHOLDER.sub("", template)))


def _lengths(template: str, variables: Mapping[str, Sequence[str]]) -> dict[str, int]:
    return {name: len(variables[name]) for name in variables_of(template) if name in variables}
