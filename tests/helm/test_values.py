"""A value that is mistyped, or does not go with another, is refused with a sentence; every value is explained where it stands."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
import yaml

from tests.helm.chart import CHART, CHOICES, LAPTOP, STUDIO, THERE, HelmFailed, helm, rendered

VALUES = (CHART / "values.yaml").read_text()
KEY = re.compile(r"^( *(?:- )?)[A-Za-z]+:(.*)$")


@pytest.mark.parametrize("preset", [LAPTOP, STUDIO], ids=["laptop", "studio"])
def test_helm_finds_nothing_to_say(preset: tuple[str, ...]) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), *preset)


@pytest.mark.parametrize(("wrong", "told"), [
    ("controler.replicas=2", "additional properties 'controler' not allowed"),
    ("controller.replica=2", "additional properties 'replica' not allowed"),
    ("controller.replicas=3", "at '/controller/replicas': maximum"),
    ("images.worker.digest=latest", "at '/images/worker/digest'"),
    ("store.bucket=No", "at '/store/bucket'"),
    ("ray.workers[0].name=a,ray.workers[0].min=0,ray.workers[0].max=1,ray.workers[0].gpu=1", "'gpu' not allowed"),
])  # fmt: skip
def test_a_mistyped_value_is_refused_by_its_place(wrong: str, told: str) -> None:
    with pytest.raises(HelmFailed, match=re.escape(told)):
        rendered(*LAPTOP, "--set", wrong)


GROUP = "ray.workers[0].name=a,ray.workers[0].min=2,ray.workers[0].max={}"


@pytest.mark.parametrize(("choice", "told"), [
    ((), "No store is chosen. Set store.existing.endpoint"),
    ((*LAPTOP, "--set", "store.existing.endpoint=https://s3.example"), "Two stores are chosen"),
    (("--set", "store.existing.endpoint=https://s3.example"), "store.existing.secret.name is not"),
    ((*LAPTOP, "--set", THERE), "Set ray.create=false to use the cluster that is there"),
    ((*LAPTOP, "--set", "ray.create=false"), "ray.existing.address is empty"),
    ((*LAPTOP, "--set", "ray.create=false,ray.existing.address=a:6379"), "no Ray cluster without a token"),
    ((*LAPTOP, "--set", "ray.bases.kind=existing"), "name the PersistentVolumeClaim"),
    ((*LAPTOP, "--set", GROUP.format(1)), "group a has max 1 below min 2"),
    ((*LAPTOP, "--set", GROUP.format(2), "--set", GROUP.format(2).replace("[0]", "[1]")), "are called a"),
    ((*LAPTOP, "--set", GROUP.format(2), "--set", "ray.workers[0].gpuClass=big-gpu"), "ends in gpu"),
])  # fmt: skip
def test_values_that_do_not_go_together_are_refused_with_what_to_do(choice: tuple[str, ...], told: str) -> None:
    with pytest.raises(HelmFailed, match=re.escape(told)):
        rendered(*choice)


@pytest.mark.parametrize("choice", CHOICES.values(), ids=list(CHOICES))
def test_every_choice_renders(choice: tuple[str, ...]) -> None:
    assert rendered(*choice)


def test_every_value_is_explained_above_it_or_above_what_it_is_part_of() -> None:
    unexplained: list[str] = []
    explained: dict[int, bool] = {}
    for above, line in itertools.pairwise(VALUES.splitlines()):
        if (found := KEY.match(line)) is None:
            continue
        depth = len(found[1])
        explained = {outer: said for outer, said in explained.items() if outer < depth}
        explained[depth] = above.lstrip().startswith("#")
        if found[2].strip() and not any(explained.values()):
            unexplained.append(line.strip())
    assert unexplained == []


def test_the_schema_names_every_value_and_no_other() -> None:
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    assert set(_names(yaml.safe_load(VALUES))) == set(_named(schema, schema["$defs"])) - {"global"}


def _names(values: Any, path: str = "") -> list[str]:
    """The paths of all values; a free mapping, and a list, end a path, but for the list of groups."""
    if path == "ray.workers":
        values = values[0]
    if not isinstance(values, dict) or not values or path.endswith("resources"):
        return [path]
    return [name for key, value in values.items() for name in _names(value, f"{path}.{key}".lstrip("."))]


def _named(schema: Any, known: dict[str, Any], path: str = "") -> list[str]:
    while "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    if path == "ray.workers":
        return _named(schema["items"], known, "ray.workers.")
    if "properties" not in schema or path.endswith("resources"):
        return [path]
    assert schema["additionalProperties"] is False, path
    parts = schema["properties"].items()
    return [name for key, part in parts for name in _named(part, known, f"{path.rstrip('.')}.{key}".lstrip("."))]
