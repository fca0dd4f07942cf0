"""`brandfarm demo`: two brands, from manifests to a judged contact sheet and a campaign, on this machine."""

from __future__ import annotations

import time
from pathlib import Path

import click

from cli import demo, demo_judging, options, problems, sheet, surroundings
from cli import farm as farms
from cli.farm import Farm
from cli.output import Output
from cli.sheet import contact_png
from cli.views import figures
from jobs.errors import FarmError

EXAMPLES = """
brandfarm demo
brandfarm demo --dir ./tour --keep
brandfarm demo --store minio://ACCESS:SECRET@localhost:9000/demo
"""


@options.verb("demo", examples=EXAMPLES)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True,
    help="Where the farm and what it makes are put.",
)  # fmt: skip
@click.option("--store", metavar="URL", help="A MinIO server's bucket instead of a folder.")
@click.option("--keep", is_flag=True, help="Leave the farm running.")
@options.output
@options.only_here
def command(out: Output, folder: Path, store: str | None, keep: bool) -> int:
    """Two brands, from manifests to a judged contact sheet and a campaign.

    Needs neither a GPU nor an account nor a download. Every step is a command that you could type; done steps of an earlier demo
    in the same folder cost nothing again.
    """
    tour = demo.Demo(
        folder.expanduser().absolute(), lambda text: out.say(f"\n[{time.strftime('%H:%M:%S')}] {text}"), store
    )
    try:
        tour.run()
        judged = demo_judging.figures(surroundings.current().open_farm(tour.home), demo.NAMESPACE, demo.CAMPAIGN)
        out.show(figures.answer(judged))
        _say_where(out, tour)
    except KeyboardInterrupt:
        out.say("Broken off. What was made stays, and the same command goes on from there.")
        return problems.Exit.DETACHED
    finally:
        if not keep:
            tour.down()
    if not all(one.is_passed for one in judged):
        raise FarmError(
            "The campaign's pictures miss the bar: 95% right objects and places, half of the base's distance.",
            hint=f"Look at them: {tour.folder / 'sheets'}.",
        )
    return problems.Exit.OK


def _say_where(out: Output, tour: demo.Demo) -> None:
    farm = surroundings.current().open_farm(tour.home)
    for brand in (demo.LEAD, demo.OTHER):
        overview = contact_png.draw(_sheet_of(farm, brand), tour.folder / "sheets" / f"{brand}.png")
        out.say(f"Contact sheet of {brand}: {tour.folder / 'sheets' / brand / 'index.html'} (overview: {overview})")
    out.say(f"The campaign's pictures: {tour.folder / 'images' / demo.CAMPAIGN}")
    out.say(f"All of it took {sum(tour.timings.values()):.0f} s.")


def _sheet_of(farm: Farm, brand: str) -> sheet.SheetData:
    project = farms.project(farm, demo.NAMESPACE, brand)
    return sheet.gather(farm.store, project, farms.reviews(farm, project))
