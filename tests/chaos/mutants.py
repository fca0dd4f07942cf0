"""`python -m tests.chaos.mutants [--only NAME]`: breaks a copy of our code, one mistake at a time, and demands that its checks see it.

Writes docs/mutants.md after a whole run. The working tree is never touched.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.chaos.mutant_list import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("jobs", "cluster", "operators", "cli", "tests", "examples")
PAGE = ROOT / "docs" / "mutants.md"
LIMIT_SECONDS = 600

ASSERTED = ("AssertionError", "assert ", "Failed: DID NOT RAISE")
"""How a failure begins that a check meant; anything else may be the mutant's own stumbling."""

PROBE = "import jobs, cluster, operators, cli, tests; print(*(m.__path__[0] for m in (jobs, cluster, operators, cli, tests)))"


class Unsound(Exception):
    """The run itself proves nothing: the copy is not what was tested, or its checks do not pass unbroken."""


@dataclass(frozen=True)
class Checked:
    """What a run of checks came to: tests that failed as they meant to, what failed otherwise, and the time it took."""

    passed: int
    asserted: tuple[str, ...]
    stumbled: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Verdict:
    """A mutant and what its checks said."""

    mutant: Mutant
    checked: Checked

    @property
    def is_caught(self) -> bool:
        return bool(self.checked.asserted)


def copy_to(folder: Path) -> None:
    """A copy of our packages and their tests, without anything compiled."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    _require_imported_from(folder)


def check(copy: Path, checks: Sequence[str]) -> Checked:
    """Run pytest's checks in the copy. Raises Unsound where nothing could be run."""
    report, begun = copy / "report.xml", time.monotonic()
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *checks]
    done = subprocess.run(
        command, cwd=copy, env=_environment(copy), capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    if done.returncode not in (0, 1) or not report.exists():
        raise Unsound(f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return _read(report, time.monotonic() - begun)


def judge(copy: Path, mutant: Mutant) -> Verdict:
    """Break the copy, run the mutant's checks, mend the copy."""
    place = copy / mutant.file
    whole = place.read_text()
    if whole.count(mutant.before) != 1:
        raise Unsound(f"The text of mutant {mutant.name!r} stands {whole.count(mutant.before)} times in {mutant.file}.")
    place.write_text(whole.replace(mutant.before, mutant.after))
    try:
        return Verdict(mutant, check(copy, mutant.checks))
    finally:
        place.write_text(whole)


def require_unbroken(copy: Path, mutants: Sequence[Mutant]) -> Checked:
    """All checks pass as long as nothing is broken. Raises Unsound."""
    checked = check(copy, sorted({one for mutant in mutants for one in mutant.checks}))
    if checked.asserted or checked.stumbled or not checked.passed:
        raise Unsound(
            f"Checks fail on unbroken code: {', '.join((*checked.asserted, *checked.stumbled)) or 'none was run'}"
        )
    return checked


def _environment(copy: Path) -> dict[str, str]:
    """The copy before everything installed; nothing compiled is kept, since a mutant may be as long as what it replaces."""
    told = {
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    return {**os.environ, **told}


def _require_imported_from(copy: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=copy, env=_environment(copy), capture_output=True, text=True, check=True
    )
    foreign = [path for path in done.stdout.split() if not Path(path).is_relative_to(copy)]
    if foreign:
        raise Unsound(f"What would be tested is not the copy: {', '.join(foreign)}")


def _read(report: Path, seconds: float) -> Checked:
    passed, asserted, stumbled = 0, [], []
    for case in ElementTree.parse(report).iter("testcase"):
        failed, erred = case.find("failure"), case.find("error")
        name = case.get("name", "")
        if erred is not None:
            stumbled.append(f"{name}: {erred.get('message', '')[:200]}")
        elif failed is None:
            passed += case.find("skipped") is None
        elif failed.get("message", "").startswith(ASSERTED):
            asserted.append(name)
        else:
            stumbled.append(f"{name}: {failed.get('message', '')[:200]}")
    return Checked(passed, tuple(asserted), tuple(stumbled), seconds)


def line(verdict: Verdict) -> str:
    """One mutant for a terminal."""
    said = "caught" if verdict.is_caught else "SURVIVED"
    by = (
        verdict.checked.asserted[0]
        if verdict.is_caught
        else "; ".join(verdict.checked.stumbled) or "every check passed"
    )
    return f"{said:8}  {verdict.mutant.name:40}  {verdict.checked.seconds:5.1f} s  {by[:110]}"


def page(verdicts: Sequence[Verdict]) -> str:
    """The table of a whole run, as a page of the docs."""
    rows = [f"| {one.mutant.name} | `{one.mutant.file}` | {one.mutant.harm} | {_sentence(one)} |" for one in verdicts]
    return "\n".join(
        [
            "# Seeded mutants",
            "",
            f"{len(verdicts)} mistakes that somebody could make in good faith, each made in a copy of the code and held against the",
            "checks that must see it. All checks pass on the unbroken copy, and a mutant counts as caught only where one of them",
            "fails by what it asserts. Written by `python -m tests.chaos.mutants`.",
            "",
            "| mistake | where | what a studio would suffer | caught by |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _sentence(verdict: Verdict) -> str:
    if not verdict.is_caught:
        return "**nothing**"
    return verdict.checked.asserted[0].partition("[")[0].removeprefix("test_").replace("_", " ")


def main() -> int:
    parser = argparse.ArgumentParser(description="Breaks a copy of our code, one mistake at a time.")
    parser.add_argument("--only", metavar="NAME", help="the mutants whose name contains this")
    asked = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if (asked.only or "") in mutant.name]
    if not chosen:
        parser.error(f"no mutant is named so; there are: {', '.join(mutant.name for mutant in MUTANTS)}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        verdicts = _judged(Path(folder), chosen)
    if not asked.only:
        PAGE.write_text(page(verdicts))
    survivors = sum(not verdict.is_caught for verdict in verdicts)
    sys.stdout.write(f"{len(verdicts) - survivors} of {len(verdicts)} mutants were caught.\n")
    return 1 if survivors else 0


def _judged(copy: Path, mutants: Sequence[Mutant]) -> list[Verdict]:
    copy_to(copy)
    unbroken = require_unbroken(copy, mutants)
    sys.stdout.write(f"unbroken: {unbroken.passed} checks pass in {unbroken.seconds:.0f} s\n")
    verdicts = []
    for mutant in mutants:
        verdicts.append(judge(copy, mutant))
        sys.stdout.write(line(verdicts[-1]) + "\n")
        sys.stdout.flush()
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
