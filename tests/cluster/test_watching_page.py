"""The page on watching the farm: it explains every figure that is told, and names none that is not."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from cluster.figures import DispatcherFigures
from operators.figures import ControllerFigures

PAGE = (Path(__file__).parents[2] / "docs" / "watching.md").read_text()
NAME = re.compile(r"brandfarm_[a-z_]+[a-z]")


def told() -> dict[str, str]:
    """Every figure's name as it is written in a query, and its type."""
    registries = (DispatcherFigures().registry, ControllerFigures(lambda: 0.0).registry)
    families = [family for registry in registries for family in registry.collect()]
    return {family.name + ("_total" if family.type == "counter" else ""): family.type for family in families}


def queried() -> set[str]:
    """All the names of samples that a query may use."""
    kinds = told()
    of_histograms = {
        name + part for name in kinds if kinds[name] == "histogram" for part in ("_bucket", "_sum", "_count")
    }
    return of_histograms | {name for name in kinds if kinds[name] != "histogram"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def rules() -> list[dict[str, Any]]:
    (alerts,) = [block for block in blocks("yaml") if "alert:" in block]
    (group,) = YAML(typ="safe").load(io.StringIO(alerts))["groups"]
    return list(group["rules"])


def test_every_figure_is_explained_in_its_table_and_no_other() -> None:
    explained = re.findall(r"^\| `(brandfarm_\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(explained) == sorted(told())


def test_the_page_names_no_figure_that_is_not_told() -> None:
    assert set(NAME.findall(PAGE)) <= queried() | set(told())


def test_there_are_five_whole_alerts_over_figures_that_are_told() -> None:
    assert len({rule["alert"] for rule in rules()}) == 5
    for rule in rules():
        names = set(NAME.findall(rule["expr"]))
        assert names, rule
        assert names <= queried(), rule
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert all(rule["annotations"][part].endswith(".") for part in ("summary", "action"))
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert rule["expr"].count("(") == rule["expr"].count(")")


@pytest.mark.parametrize("query", [line for block in blocks("promql") for line in block.splitlines()])
def test_every_query_asks_for_what_is_told(query: str) -> None:
    names = set(NAME.findall(query))
    assert names
    assert names <= queried()


def test_the_labels_that_the_queries_choose_by_exist() -> None:
    registries = (DispatcherFigures().registry, ControllerFigures(lambda: 0.0).registry)
    labels = {one for registry in registries for family in registry.collect() for one in _labels(family)}
    chosen = set(re.findall(r"[{,]\s*(\w+)!?=\"", "".join([*blocks("promql"), *blocks("yaml")])))
    assert chosen <= labels


def _labels(family: Any) -> set[str]:
    return {name for sample in family.samples for name in sample.labels} | {"worker"}


def test_scraping_is_described_by_sound_yaml() -> None:
    (scraping,) = [block for block in blocks("yaml") if "scrape_configs" in block]
    assert YAML(typ="safe").load(io.StringIO(scraping))["scrape_configs"][0]["job_name"] == "brandfarm"
