"""A campaign's contact sheet: one page beside the pulled pictures, a grid for each look, with captions. Reads no store."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from cli.sheet import page
from cli.sheet.folder import FolderRefused
from cli.sheet.grid import LARGEST_PIXELATED, emphasised
from cli.sheet.markup import Html, joined, tag
from cli.sheet.page import key_button
from jobs.shots import Look, Plan, Shot

PAGE = "contact.html"


def write_contact(title: str, plan: Plan, files: Mapping[int, str], folder: Path) -> Path:
    """Writes `contact.html` into the folder of pulled pictures and returns its path.

    `files` gives each shot's file by its index, relative to the folder; shots without one are shown as missing.
    Raises FolderRefused where it cannot be written.
    """
    place = Path(folder) / PAGE
    writing = place.with_name(f".{PAGE}.{secrets.token_hex(4)}")
    try:
        writing.write_bytes(html(title, plan, files))
        os.replace(writing, place)
    except OSError as refused:
        writing.unlink(missing_ok=True)
        raise FolderRefused(
            f"The contact sheet could not be written to {place}: {refused.strerror or refused}.",
            hint="Name a folder that is there and where you may write.",
        ) from refused
    return place


def html(title: str, plan: Plan, files: Mapping[int, str]) -> bytes:
    """The page as bytes."""
    by_look: dict[int, list[Shot]] = {}
    for shot in plan.shots():
        by_look.setdefault(shot.look, []).append(shot)
    body = (
        _masthead(title, plan, files),
        tag("main", joined(_look(plan.looks[number], shots, files) for number, shots in by_look.items())),
    )
    return page.document(f"{title} · contact sheet", body, ("ground.js",))


def _masthead(title: str, plan: Plan, files: Mapping[int, str]) -> Html:
    here = sum(index in files for index in range(plan.count))
    sampling = plan.sampling
    count = (
        f"{here} pictures" if here == plan.count else f"{here} of {plan.count} pictures, {plan.count - here} missing"
    )
    how = f"{count} · {sampling.name}, {sampling.steps} steps, guidance {sampling.guidance:g}"
    tools = (
        key_button("Ground", "g", data_do="ground"),
        key_button("Pixels", "p", data_do="pixels", aria_pressed="true"),
    )
    return tag(
        "header",
        tag(
            "div",
            tag("p", "campaign · contact sheet", class_="kicker"),
            tag("h1", title),
            tag("p", how, class_="quiet"),
        ),
        tag("nav", tag("div", *tools, class_="tools"), class_="bar", aria_label="Sheet"),
        class_="masthead",
    )


def _look(look: Look, shots: list[Shot], files: Mapping[int, str]) -> Html:
    strengths = ", ".join(f"{use.strength:g}" for use in look.adapters) or "none"
    heading = tag("h2", look.label, " ", tag("span", f"strength {strengths} · {len(shots)} pictures", class_="quiet"))
    figures = joined(_figure(look, shot, files.get(shot.index)) for shot in shots)
    return tag("section", heading, tag("div", figures, class_="pictures"), class_="look")


def _figure(look: Look, shot: Shot, file: str | None) -> Html:
    caption = joined(_caption(look, shot))
    return tag("figure", _frame(shot, file), tag("figcaption", caption), class_="shot", id=f"shot-{shot.index}")


def _frame(shot: Shot, file: str | None) -> Html:
    recipe = shot.recipe
    if file is None:
        return tag(
            "div", tag("span", "missing"), class_="frame gone", role="img", aria_label=f"Missing: {recipe.prompt}"
        )
    address = quote(file)
    image = tag(
        "img",
        src=address,
        alt=f"{recipe.prompt}, seed {shot.seed}",
        width=recipe.width,
        height=recipe.height,
        loading="lazy",
        decoding="async",
        class_="tiny" if recipe.width <= LARGEST_PIXELATED else None,
    )
    return tag("a", image, href=address, class_="frame")


def _caption(look: Look, shot: Shot) -> Iterator[Html]:
    yield tag("span", emphasised(shot.recipe.prompt, look.trigger), class_="short")
    yield tag("span", f"seed {shot.seed} · {shot.recipe.width}×{shot.recipe.height}", class_="line")
