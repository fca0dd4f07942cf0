"""What stands around the pictures: the brand, its references, and for each version how it came about. Values in, markup out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from cli.sheet import curve, facts, grid
from cli.sheet.data import Sample, SheetData, Training, VersionSheet, Word
from cli.sheet.files import Names
from cli.sheet.markup import Html, joined, tag
from cli.sheet.page import facts_list


def masthead(data: SheetData) -> Html:
    """Who the brand is: name, trigger, palette."""
    return tag(
        "header",
        tag(
            "div",
            tag("p", f"{data.namespace} · {data.concept} · contact sheet", class_="kicker"),
            tag("h1", data.project),
            tag("p", "trigger ", tag("b", data.trigger), f" · {data.class_name}", class_="quiet"),
        ),
        _palette(data.palette),
        class_="masthead",
    )


def missing(data: SheetData) -> Html:
    """What could not be shown, said aloud; nothing where all is there."""
    if not data.missing:
        return Html("")
    return tag("aside", tag("h2", "Not all is here"), _listed(data.missing), class_="missing", role="note")


def references(data: SheetData, names: Names) -> Html:
    """The pictures that the brand was learned from."""
    if not data.references:
        return Html("")
    shown, count = len(data.references), data.reference_count
    how_many = f"{count} pictures" if shown == count else f"{shown} of {count} pictures"
    figures = joined(
        tag(
            "figure",
            tag(
                "a",
                grid.picture(one.image, names, f"Reference: {one.caption}"),
                href=names[one.image.digest],
                class_="frame",
            ),
            tag("figcaption", one.caption, title=one.caption),
        )
        for one in data.references
    )
    heading = tag("h2", "References ", tag("span", how_many, class_="quiet"))
    return tag(
        "section",
        heading,
        tag("div", figures, class_="strip", tabindex=0, role="group", aria_label="References"),
        class_="references",
    )


def version(data: SheetData, one: VersionSheet, names: Names) -> Html:
    """How a version came about and what was said of it."""
    before = next((earlier for earlier, later in itertools.pairwise(data.versions) if later is one), None)
    parts = [tag("h2", f"About {one.name} ", tag("span", standing(data, one), class_="quiet"))]
    if before is not None:
        changed = ", ".join(facts.changes(before, one)) or "nothing in recipe, dataset or judge"
        parts.append(tag("p", f"Changed since {before.name}: ", tag("b", changed), "."))
    parts.append(_words(one.words))
    if one.training is not None:
        parts.append(_training(data, one, one.training, names))
    return tag("section", *parts, class_="about", data_version=one.name, id=f"about-{one.name}")


def standing(data: SheetData, one: VersionSheet) -> str:
    """How a version stands, in a few words."""
    given = f"{one.approvals} of {data.approvals_needed} approvals" if data.approvals_needed else "needs no approval"
    serving = ("serving",) if one.is_serving else ()
    when = (f"trained {one.trained[:16].replace('T', ' ')} UTC",) if one.trained else ()
    return " · ".join((one.state, *serving, given, *when))


def _palette(colours: Sequence[str]) -> Html:
    """Swatches as drawings: the page's policy allows no styles on elements."""
    swatches = joined(
        tag(
            "li",
            tag(
                "svg",
                tag("rect", width=10, height=10, fill=colour),
                viewBox="0 0 10 10",
                preserveAspectRatio="none",
                aria_hidden="true",
            ),
            tag("code", colour),
        )
        for colour in colours
    )
    return tag("ul", swatches, class_="palette", aria_label="Palette") if colours else Html("")


def _listed(sentences: Sequence[str]) -> Html:
    return tag("ul", joined(tag("li", sentence) for sentence in sentences))


def _words(words: Sequence[Word]) -> Html:
    if not words:
        return tag("p", "Nobody has judged it yet.", class_="quiet")
    return tag("ul", joined(tag("li", *_word(word)) for word in words), class_="words")


def _word(word: Word) -> Iterator[str]:
    yield tag("b", word.by)
    yield f" says {word.verdict}" + (f": {', '.join(word.tags)}. " if word.tags else ". ")
    yield tag("q", word.note) if word.note else ""
    yield f" Pictures judged: {len(word.shots)}." if word.shots else ""


def _training(data: SheetData, one: VersionSheet, training: Training, names: Names) -> Html:
    label = (
        f"Loss of {one.name} over its {training.record.recipe.steps} steps, ending at {training.record.final_loss:.4f}"
    )
    figure = tag("figure", curve.drawn(training.losses, label), tag("figcaption", label))
    finish = ("Finish", facts.finish_words(one.plan.looks[-1].finish))
    listed = facts_list((*facts.training_facts(training), finish))
    return tag("div", tag("div", figure, listed, class_="learned"), _samples(data, training.samples, names))


def _samples(data: SheetData, samples: Sequence[Sample], names: Names) -> Html:
    """The grid of the training: a row for each prompt and seed, a column for each step."""
    if not samples:
        return tag("p", "No samples were drawn while it was trained.", class_="quiet")
    steps = sorted({one.step for one in samples})
    by_row: dict[tuple[str, int], dict[int, Sample]] = {}
    for one in samples:
        by_row.setdefault((one.prompt, one.seed), {})[one.step] = one
    head = tag("tr", tag("th", "prompt"), joined(tag("th", f"step {step}", scope="col") for step in steps))
    rows = joined(_sample_row(data, place, steps, row, names) for place, row in by_row.items())
    table = tag("table", tag("caption", "How it learned"), tag("thead", head), tag("tbody", rows))
    return tag("div", table, class_="steps", tabindex=0, role="group", aria_label="Samples by training step")


def _sample_row(
    data: SheetData, place: tuple[str, int], steps: Sequence[int], row: Mapping[int, Sample], names: Names
) -> Html:
    prompt, seed = place
    title = tag("th", grid.emphasised(prompt, data.trigger), tag("span", f"seed {seed}", class_="line"), scope="row")
    return tag("tr", title, joined(_sample(row.get(step), names) for step in steps))


def _sample(one: Sample | None, names: Names) -> Html:
    if one is None:
        return tag("td", "–")
    words = f"Step {one.step}: {one.prompt}, seed {one.seed}"
    return tag("td", tag("a", grid.picture(one.image, names, words), href=names[one.image.digest], class_="frame"))
