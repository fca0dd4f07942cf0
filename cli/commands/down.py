"""`brandfarm down`: stops the farm of a home."""

from __future__ import annotations

from pathlib import Path

from cli import options, problems, running
from cli.output import Output
from cli.views import deeds
from cluster.farm_home import FarmHome

EXAMPLES = """
brandfarm down
brandfarm down --home ./farm
"""


@options.verb("down", examples=EXAMPLES)
@options.output
@options.only_here
@options.home_option
def command(out: Output, home: Path) -> int:
    """Stop the farm; what it has made stays.

    Trainings write a checkpoint first, and go on from there after the next `brandfarm up`.
    """
    place = FarmHome(home.expanduser().absolute())
    try:
        with out.waiting("Stopping the farm") as tell:
            was_up = running.down(place, tell)
    except KeyboardInterrupt:
        out.say("Not waited for: the farm goes on stopping. `brandfarm down` again waits until it has.")
        return problems.Exit.DETACHED
    follows = "Manifests, versions and images stay." if was_up else f"No farm ran in {place.root}."
    did = f"stopped in {place.root}" if was_up else "unchanged"
    out.show(deeds.answer([deeds.Deed("farm", did, follows, {"home": str(place.root), "wasUp": was_up})]))
    return problems.Exit.OK
