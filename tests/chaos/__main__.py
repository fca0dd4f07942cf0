"""`python -m tests.chaos`: every fault at several seeds, one line each; results are kept as they come, and a page at the end.

An interrupted set goes on with --resume. Exits with 1 where the promise was broken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import structlog

from tests.chaos import table
from tests.chaos.runs import Result, run
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.site import Site, open_site

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "build" / "chaos" / "results.jsonl"
DOCUMENT = ROOT / "docs" / "chaos.md"

Due = tuple[Scenario, int]


def main() -> int:
    """Play what is due, keep it, and write the page over all that is kept."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    given = _arguments()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    if not given.resume:
        RESULTS.unlink(missing_ok=True)
    known = {(one.scenario, one.seed) for one in _kept()}
    chosen = [scenario for scenario in SCENARIOS if given.only in scenario.name]
    due = [(one, seed) for seed in range(given.seeds) for one in chosen if (one.name, seed) not in known]
    print(f"{len(due)} runs are due, {len(known)} are kept in {RESULTS.relative_to(ROOT)}", flush=True)
    for number, result in enumerate(_played(due), 1):
        with RESULTS.open("a") as kept:
            kept.write(json.dumps(result.told()) + "\n")
        print(f"{number}/{len(due)} {_line(result)}", flush=True)
    results = _kept()
    if not given.only:
        where = f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}; {given.seeds} seeds."
        DOCUMENT.write_text(table.page(results, SCENARIOS, where))
    return 0 if all(one.kept_promise for one in results) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="runs of every scenario")
    parser.add_argument("--only", default="", help="scenarios whose name holds this; the page is not written then")
    parser.add_argument("--resume", action="store_true", help="go on with the results that are kept")
    return parser.parse_args()


def _played(due: Sequence[Due]) -> Iterator[Result]:
    """The faults that leave the cluster standing share one; those of the head come after, on a farm of their own."""
    for has_head in (False, True):
        yield from _played_on([one for one in due if one[0].needs_head is has_head], has_head)


def _played_on(due: Sequence[Due], has_head: bool) -> Iterator[Result]:
    """A farm that got stuck is thrown away, and the next run finds a new one."""
    rest = list(due)
    while rest:
        with open_site(has_head=has_head) as site:
            yield from _until_stuck(site, rest)


def _until_stuck(site: Site, rest: list[Due]) -> Iterator[Result]:
    while rest:
        scenario, seed = rest.pop(0)
        result = run(site, scenario, seed)
        yield result
        if result.stuck:
            return


def _kept() -> list[Result]:
    """All results so far; a last line that was cut off is played again."""
    lines: Iterable[str] = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    found = []
    for line in lines:
        if line.endswith("}"):
            told = json.loads(line)
            found.append(Result(**{**told, "lost": tuple(told["lost"]), "doubles": tuple(told["doubles"])}))
    return found


def _line(result: Result) -> str:
    recovery = "never recovered" if result.recovery is None else f"recovered in {result.recovery:.1f} s"
    word = "kept" if result.kept_promise else f"BROKEN {'; '.join((*result.lost, *result.doubles, result.stuck))}"
    return f"{result.scenario}, seed {result.seed}: {word}, {recovery}, {result.seconds:.0f} s in all"


if __name__ == "__main__":
    sys.exit(main())
