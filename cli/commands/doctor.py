"""`brandfarm doctor`: one page about this machine and the farm of a home."""

from __future__ import annotations

from pathlib import Path

from cli import options, problems, surroundings
from cli.checkup import farm as of_farm
from cli.checkup import machine
from cli.checkup.finding import Verdict
from cli.output import Output
from cli.views import checked, marks
from cluster.farm_home import FarmHome

EXAMPLES = """
brandfarm doctor
brandfarm doctor --home ./farm -o json
brandfarm doctor -o name
"""


@options.verb("doctor", examples=EXAMPLES)
@options.output
@options.home_option
def command(out: Output, home: Path) -> int:
    """Look at this machine and this farm: what is there, what is wrong, what to do next.

    Takes a few seconds, starts nothing and changes nothing, and works with the farm down. Exits with 1 where something failed.
    `brandfarm store doctor` is the whole proof of the store.
    """
    place = FarmHome(home.expanduser().absolute())
    with out.waiting("Looking at this machine and its farm") as tell:
        findings = machine.findings()
        tell("Looking at the farm")
        findings += of_farm.findings(place, surroundings.current().open_farm(home))
    out.show(checked.checked(findings))
    failed = [one.name for one in findings if one.verdict is Verdict.FAILED]
    if failed:
        sentence = f"{len(failed)} of {marks.plural(len(findings), 'check')} failed: {', '.join(failed)}."
        return problems.tell(problems.Problem(sentence, "Each says what to do next.", problems.Exit.FAILED))
    warned = sum(one.verdict is Verdict.WARNED for one in findings)
    also = f", {marks.plural(warned, 'warning')}" if warned else ""
    out.say(f"Nothing failed{also}.")
    return problems.Exit.OK
