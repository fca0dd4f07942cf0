"""`brandfarm doctor`: one page about this machine and the farm of a home."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cli import options, problems
from cli.checkup import farm as of_farm
from cli.checkup import machine
from cli.checkup.finding import Finding, Verdict
from cli.options import Where
from cli.output import Output
from cli.views import checked, marks
from cluster.farm_home import FarmHome

if TYPE_CHECKING:
    from cli.kube_farm import KubeFarm

EXAMPLES = """
brandfarm doctor
brandfarm doctor --home ./farm -o json
brandfarm doctor --context studio-cluster
brandfarm doctor -o name
"""


@options.verb("doctor", examples=EXAMPLES)
@options.output
@options.whereabouts
def command(out: Output, where: Where) -> int:
    """Look at this machine and this farm: what is there, what is wrong, what to do next.

    Takes a few seconds, starts nothing and changes nothing, and works with the farm down. Exits with 1 where something failed.
    With --context it looks at the cluster's farm: versions of its definitions, chart, controller, dispatcher and workers, and
    what you may do there. `brandfarm store doctor` is the whole proof of the store.
    """
    with out.waiting("Looking at this machine and its farm") as tell:
        findings = machine.of_a_terminal() if where.context else machine.findings()
        tell("Looking at the farm")
        findings += _of_farm(where)
    out.show(checked.checked(findings))
    failed = [one.name for one in findings if one.verdict is Verdict.FAILED]
    if failed:
        sentence = f"{len(failed)} of {marks.plural(len(findings), 'check')} failed: {', '.join(failed)}."
        return problems.tell(problems.Problem(sentence, "Each says what to do next.", problems.Exit.FAILED))
    warned = sum(one.verdict is Verdict.WARNED for one in findings)
    also = f", {marks.plural(warned, 'warning')}" if warned else ""
    out.say(f"Nothing failed{also}.")
    return problems.Exit.OK


def _of_farm(where: Where) -> list[Finding]:
    farm = where.open()
    if where.context:
        from cli.checkup import cluster  # the cluster's client takes a second: only for those who use it

        return cluster.findings(cast("KubeFarm", farm))
    return of_farm.findings(FarmHome(where.home.expanduser().absolute()), farm)
