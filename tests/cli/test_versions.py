"""A brand's versions: what changed, what each came to, what was said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from tests import builders
from tests.cli import made, studio
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm


@pytest.fixture
def farm(tmp_path: Path) -> FakeFarm:
    """v1 serves; v2, on two new pictures and one less, with another caption and more steps, failed once and trains."""
    filled = FakeFarm(FolderStore(tmp_path / "store"))
    studio.fill(filled)
    first = made.dataset(filled.store, "a one", "b one", "c one")
    second = made.dataset(filled.store, "a two", "b one", "d one", "e one")
    made.version(filled.store, 1, dataset=first)
    late = made.version(filled.store, 2, dataset=second, trained=False, steps=400)
    made.failure(filled.store, late.asked, 1)
    word = builders.review(verdict="revise", tags=["oversaturated"], note="heel too orange")
    filled.create(word | {"spec": word["spec"] | {"projectUid": made.UID}})
    return filled


def test_each_version_says_what_changed_and_what_was_said(farm: FakeFarm) -> None:
    heading, first, second = (
        line.split("\t") for line in Terminal(farm).type("versions", "stable-socks").out.splitlines()
    )
    one, two = dict(zip(heading, first, strict=True)), dict(zip(heading, second, strict=True))
    assert (one["STATE"], one["SERVES"], one["PICTURES"], one["LOSS"]) == ("approved", "serves", "3", "0.041200")
    assert (one["VERDICTS"], one["CHANGES"]) == ("revise by lead@studio-a [oversaturated]", "")
    assert (two["STATE"], two["LOSS"]) == ("training", "")
    assert two["CHANGES"] == "2 pictures more; 1 picture fewer; 1 caption changed; steps 300 -> 400"


def test_one_version_whole_tells_its_recipe_and_why_attempts_failed(farm: FakeFarm) -> None:
    told = json.loads(Terminal(farm).type("versions", "stable-socks", "v2", "-o", "json").out)
    assert told["recipe"]["steps"] == 400
    assert [(one["attempt"], one["reason"], one["seconds"]) for one in told["failures"]] == [(1, "OutOfMemory", 36.0)]
    assert told["adapter"] is None
    shown = Terminal(farm).type("versions", "stable-socks", "v1", "-o", "table", columns=100).out
    assert "final loss 0.0412, 61 s (0.0169 GPU-hours), at 1 attempt" in shown
    assert "revise by lead@studio-a [oversaturated]: heel too orange" in shown


def test_a_version_that_is_not_there_is_answered_with_those_that_are(farm: FakeFarm) -> None:
    shown = Terminal(farm).type("versions", "stable-socks", "v9")
    assert (shown.code, shown.out) == (3, "")
    assert "stable-socks has no version v9; there are: v1, v2." in shown.err
