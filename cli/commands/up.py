"""`brandfarm up`: starts the farm of a home and leaves it running."""

from __future__ import annotations

from pathlib import Path

import click

from cli import options, problems, running
from cli.output import Output
from cli.running import Shape
from cli.views import deeds
from cluster.farm_home import FarmHome

EXAMPLES = """
brandfarm up
brandfarm up --home ./farm --cpus 2 --threads 2
brandfarm up --store minio://ACCESS:SECRET@localhost:9000/studio-a
brandfarm up --foreground
"""


@options.verb("up", examples=EXAMPLES)
@click.option("--store", metavar="URL", help="A MinIO server's bucket, or a folder, instead of the home's own store.")
@click.option("--foreground", is_flag=True, help="Stay in this terminal; Ctrl-C stops the farm.")
@click.option("--cpus", type=click.IntRange(min=1), help="CPUs that the farm may use. Left out: all.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each worker. Left out: all.")
@options.output
@options.only_here
@options.home_option
def command(out: Output, home: Path, store: str | None, foreground: bool, cpus: int | None, threads: int | None) -> int:
    """Start the farm on this machine and leave it running.

    Ray's head, the dispatcher, the controller and the workers, with a small supervisor that restarts what dies. What an earlier
    farm in this home had begun goes on.
    """
    place = FarmHome(home.expanduser().absolute())
    running.require_free(place)
    if store:
        out.say(f"The store answers: {running.set_store(place, store)}")
    usual = running.usual_shape()
    shape = Shape(cpus or usual.cpus, threads or usual.threads)
    if foreground:
        running.foreground(place, shape)
    try:
        with out.waiting("Starting the farm") as tell:
            endpoint = running.up(place, shape, tell)
    except KeyboardInterrupt:
        out.say("The start was broken off, and what had started is down again.")
        return problems.Exit.DETACHED
    follows = f"Its store: {endpoint.store}. Next: `brandfarm apply -f FILE`, then `brandfarm status -w`."
    out.show(deeds.answer([deeds.Deed("farm", f"ready in {place.root}", follows, vars(endpoint))]))
    return problems.Exit.OK
