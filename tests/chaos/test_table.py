"""The page of the long set: counts of runs that broke the promise, and recovery against the bar."""

from __future__ import annotations

from tests.chaos import table
from tests.chaos.runs import Result
from tests.chaos.scenarios import Scenario, kill_worker

KILLED = Scenario("worker killed", 5, kill_worker)


def rows(*results: Result) -> list[str]:
    return [line for line in table.page(results, [KILLED], "Here.").splitlines() if line.startswith("| worker")]


def test_a_row_counts_runs_and_names_the_bar():
    results = [Result("worker killed", seed, 9.0, float(seed)) for seed in range(1, 6)]
    assert rows(*results) == ["| worker killed | 5 | 0 | 0 | 0 | 3.0 s | 5.0 s | 5 s | yes |"]


def test_what_never_recovered_misses_the_bar_and_what_went_wrong_is_told():
    broken = Result("worker killed", 1, 9.0, None, lost=("image 3 is gone",), stuck="waited in vain")
    assert rows(broken) == ["| worker killed | 1 | 1 | 0 | 1 | never | never | 5 s | no |"]
    assert "- worker killed, seed 1: image 3 is gone; waited in vain" in table.page([broken], [KILLED], "Here.")


def test_scenarios_that_were_not_played_have_no_row():
    assert rows() == []


def test_a_dispatchers_deaths_are_also_taken_together():
    both = [Scenario("dispatcher killed", 5, kill_worker), Scenario("killed at dispatcher.met", 5, kill_worker)]
    results = [Result(one.name, seed, 9.0, float(seed)) for one in both for seed in range(1, 6)]
    assert "| dispatcher, killed at any of these | 10 | 0 | 0 | 0 | 3.0 s | 5.0 s | 5 s | yes |" in table.page(
        results, both, "Here."
    )
