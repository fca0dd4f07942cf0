"""Every seeded mutant still breaks what it names, its checks exist, and the runner tells a meant failure from a stumble."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.chaos import mutants
from tests.chaos.mutant_list import MUTANTS, Mutant

CONTRACTS = [path.read_text() for path in (mutants.ROOT / "tests" / "contract").glob("*.py")]


def test_there_are_enough_of_them_and_each_has_its_own_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutants_text_stands_exactly_once(mutant: Mutant) -> None:
    assert (mutants.ROOT / mutant.file).read_text().count(mutant.before) == 1
    assert mutant.after != mutant.before


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutants_checks_exist(mutant: Mutant) -> None:
    assert mutant.checks
    for check in mutant.checks:
        file, *names = re.sub(r"\[.*\]$", "", check).split("::")
        source = (mutants.ROOT / file).read_text()
        for name in names:
            assert any(f" {name}(" in text for text in [source, *CONTRACTS]), check


REPORT = """<testsuites><testsuite>
<testcase name="test_sound"/>
<testcase name="test_skipped"><skipped/></testcase>
<testcase name="test_meant"><failure message="assert 1 == 2"/></testcase>
<testcase name="test_silent"><failure message="Failed: DID NOT RAISE StoreError"/></testcase>
<testcase name="test_stumbled"><failure message="NameError: name 'x' is not defined"/></testcase>
<testcase name="test_not_collected"><error message="collection failure"/></testcase>
</testsuite></testsuites>"""


def test_a_failure_that_was_meant_is_told_from_a_stumble(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    checked = mutants._read(tmp_path / "report.xml", 1.0)
    assert checked.passed == 1
    assert checked.asserted == ("test_meant", "test_silent")
    assert [said.partition(":")[0] for said in checked.stumbled] == ["test_stumbled", "test_not_collected"]


def test_a_mutant_that_nothing_sees_has_survived() -> None:
    blind = mutants.Verdict(MUTANTS[0], mutants.Checked(3, (), (), 1.0))
    seen = mutants.Verdict(MUTANTS[0], mutants.Checked(2, ("test_that_sees_it[1]",), (), 1.0))
    assert [blind.is_caught, seen.is_caught] == [False, True]
    assert "SURVIVED" in mutants.line(blind)
    assert "| **nothing** |" in mutants.page([blind])
    assert "| that sees it |" in mutants.page([seen])
