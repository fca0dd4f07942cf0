"""Failpoints: every name has its place in our code, a plan is understood or refused, and seed and ledger repeat a run."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import failpoints
from jobs.errors import ManifestInvalid, StoreUnavailable
from jobs.failpoints import Failpoints, Rule

ROOT = Path(failpoints.__file__).resolve().parents[1]
PLACES = re.compile(r'failpoints\.reach\(\s*"([^"]*)"\s*\)')
CALLS = re.compile(r"failpoints\.reach\(")
PICTURE, STEP = "intake.picture", "train.after-step"


@pytest.fixture(autouse=True)
def disarmed_afterwards() -> Iterator[None]:
    yield
    failpoints.arm(None)


def reached(rules: str, name: str, times: int, seed: int = 0, ledger: Path | None = None) -> list[int]:
    """At which of so many reachings a place broke, in a process that is armed anew."""
    armed = Failpoints(failpoints.parse(rules), seed, ledger)
    broke = []
    for number in range(1, times + 1):
        try:
            armed.reach(name)
        except RuntimeError:
            broke.append(number)
    return broke


def test_every_name_has_its_place_in_our_code_and_every_place_a_name() -> None:
    sources = [
        path.read_text() for floor in ("jobs", "cluster", "operators", "cli") for path in (ROOT / floor).rglob("*.py")
    ]
    named = [name for source in sources for name in PLACES.findall(source)]
    assert set(named) == failpoints.NAMES
    assert len(named) == sum(len(CALLS.findall(source)) for source in sources), "a place whose name is no plain string"


def test_a_plan_is_read_rule_by_rule() -> None:
    plan = "publish.before-create=kill@2; train.after-step=freeze%0.01;intake.picture=sleep:1.5;;"
    assert failpoints.parse(plan) == [
        Rule("publish.before-create", "kill", hit=2),
        Rule("train.after-step", "freeze", chance=0.01),
        Rule("intake.picture", "sleep", seconds=1.5),
    ]


@pytest.mark.parametrize(
    "plan",
    [
        "no-such.place=kill",
        "intake.picture=explode",
        "intake.picture",
        "intake.picture=kill@0",
        "intake.picture=kill@x",
        "intake.picture=kill%often",
        "intake.picture=kill%.",
        "intake.picture=sleep:1.2.3",
        "intake.picture=kill@1%0.5",
    ],
)
def test_a_plan_that_cannot_be_understood_is_refused_with_what_could_stand_there(plan: str) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        failpoints.parse(f"train.after-step=break;{plan}")
    assert repr(plan) in refused.value.message
    assert "place=action@hit" in refused.value.hint


def test_a_hit_is_one_reaching_and_no_other() -> None:
    assert reached("intake.picture=break@3", PICTURE, times=10) == [3]
    assert reached("intake.picture=break", PICTURE, times=10) == [1]
    assert reached("intake.picture=break@3", STEP, times=10) == []


def test_a_chance_is_decided_by_the_seed_and_repeats_with_it() -> None:
    first, again, other = (reached("intake.picture=break%0.2", PICTURE, 200, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert 20 <= len(first) <= 60
    assert reached("intake.picture=break%1", PICTURE, 5) == [1, 2, 3, 4, 5]
    assert reached("intake.picture=break%0", PICTURE, 5) == []


def test_a_place_may_have_several_rules() -> None:
    assert reached("intake.picture=break@2;intake.picture=break@4", PICTURE, times=5) == [2, 4]


def test_a_ledger_lets_a_hit_happen_once_for_all_processes_even_if_a_later_one_starts_beyond_it(tmp_path: Path) -> None:
    assert reached("intake.picture=break@2", PICTURE, times=3, ledger=tmp_path) == [2]
    assert reached("intake.picture=break@2", PICTURE, times=3, ledger=tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["intake.picture=break@2"]


def _break_in_a_process(ledger: Path, results: multiprocessing.Queue[int]) -> None:
    results.put(len(reached("intake.picture=break@1", PICTURE, times=5, ledger=ledger)))


def test_of_several_processes_one_alone_meets_a_hit(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[int] = context.Queue()
    processes = [context.Process(target=_break_in_a_process, args=(tmp_path, results)) for _ in range(2)]
    for process in processes:
        process.start()
    met = sorted(results.get() for _ in processes)
    for process in processes:
        process.join()
    assert met == [0, 1]


def test_a_ledger_tells_what_happened_and_where(tmp_path: Path) -> None:
    reached("intake.picture=break%1", PICTURE, times=2, ledger=tmp_path)
    assert len(list(tmp_path.glob("intake.picture-*"))) == 2
    assert all('"action": "break"' in path.read_text() for path in tmp_path.iterdir())


def test_main_arms_what_the_environment_says_and_children_inherit_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(failpoints.PLAN, "intake.picture=store-away@1")
    monkeypatch.setenv(failpoints.LEDGER, str(tmp_path / "ledger"))
    failpoints.arm_from_environment()
    assert failpoints.surroundings() == {
        failpoints.PLAN: "intake.picture=store-away@1",
        failpoints.LEDGER: str(tmp_path / "ledger"),
    }
    with pytest.raises(StoreUnavailable, match=r"intake\.picture"):
        failpoints.reach(PICTURE)
    failpoints.reach(PICTURE)


def test_disarmed_nothing_happens_and_nothing_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (failpoints.PLAN, failpoints.SEED, failpoints.LEDGER):
        monkeypatch.delenv(name, raising=False)
    failpoints.arm_from_environment()
    for name in failpoints.NAMES:
        failpoints.reach(name)
    assert failpoints.surroundings() == {}


def test_an_armed_process_refuses_a_place_that_has_no_name() -> None:
    failpoints.arm(Failpoints([]))
    with pytest.raises(AssertionError, match="no failpoint"):
        failpoints.reach("intake.nowhere")
