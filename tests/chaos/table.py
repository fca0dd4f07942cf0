"""The long set's results as a page: one row per scenario, the counts that must be zero, and recovery against its bar. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tests.chaos.runs import Result
from tests.chaos.scenarios import Scenario

HEAD = """# Chaos

What becomes of a farm at work when one thing fails, by `make chaos`: a real Ray cluster of several nodes, a real MinIO server \
behind a door that misbehaves, dispatcher and controller under the supervisor of `brandfarm up`, workers with a light workbench \
that writes real records. In every run two brands are taken in, trained and shown, and a campaign of one is drawn; the fault comes \
at a moment that the seed chooses. Then the store is held to the promise.

- **Lost**: something that was reported done is not there by its digest, or is not what it was.
- **Doubles**: a record that the server took twice, or a declaration that became two versions.
- **Stuck**: something did not come to its end within 120 seconds.
- **Recovery**: seconds from the fault (for the store: from its return) until all the work that was under way has told progress \
again, a lost worker's in a new attempt; for the controller, until it has changed a manifest again.
"""

COLUMNS = "| Fault | Runs | Lost | Doubles | Stuck | Recovery p50 | p95 | Bar | Met |"
RULE = "|---|---:|---:|---:|---:|---:|---:|---:|---|"


def page(results: Sequence[Result], scenarios: Sequence[Scenario], where: str) -> str:
    """The whole page. where: on what it ran, in words."""
    rows = [_row(scenario, [one for one in results if one.scenario == scenario.name]) for scenario in scenarios]
    count = f"{len(results)} runs. {where}"
    rows.append(_together("dispatcher, killed at any of these", results, scenarios))
    return "\n".join([HEAD, count, "", COLUMNS, RULE, *(row for row in rows if row)]) + "\n" + _troubles(results)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _together(name: str, results: Sequence[Result], scenarios: Sequence[Scenario]) -> str:
    """All deaths of the dispatcher that have a bar, as one fault: five runs say little about a twentieth."""
    part = [one for one in scenarios if "dispatcher" in one.name and "kill" in one.name and one.bar]
    names = {one.name for one in part}
    if len(names) < 2:
        return ""
    return _row(replace(part[0], name=name), [one for one in results if one.scenario in names])


def _row(scenario: Scenario, results: Sequence[Result]) -> str:
    if not results:
        return ""
    never = math.inf
    times = [never if one.recovery is None else one.recovery for one in results]
    p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
    bar = f"{scenario.bar:.0f} s" if scenario.bar else ""
    met = ("yes" if p95 <= scenario.bar else "no") if scenario.bar else ""
    counts = (
        sum(map(bool, kind)) for kind in zip(*((one.lost, one.doubles, one.stuck) for one in results), strict=True)
    )
    cells = [scenario.name, len(results), *counts, _seconds(p50), _seconds(p95), bar, met]
    return f"| {' | '.join(map(str, cells))} |"


def _seconds(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:.1f} s"


def _troubles(results: Sequence[Result]) -> str:
    broken = [one for one in results if not one.kept_promise]
    if not broken:
        return ""
    lines = [f"- {one.scenario}, seed {one.seed}: {'; '.join((*one.lost, *one.doubles, one.stuck))}" for one in broken]
    return "\n## What went wrong\n\n" + "\n".join(lines) + "\n"
