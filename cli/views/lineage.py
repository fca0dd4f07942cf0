"""An image's past and a photograph's future, as trees. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text
from rich.tree import Tree

from cli.output import Answer
from cluster.documents import timestamp
from jobs.lineage import Drawn, Learned, Made, Touched
from jobs.manifests import version_name
from jobs.records import IntakeRecord, TrainRecord, VersionRecord

Names = Mapping[str, str]
"""By uid, what people call a manifest."""

SHORT = 12
SHOWN = 5  # captions, before the rest is counted


def made_answer(made: Made, names: Names) -> Answer:
    """What made an image, in all its forms; rows are (what, which)."""
    rows = [("WHAT", "WHICH"), *_image_rows(made)]
    for learned in made.learned:
        rows += _learned_rows(learned, names)
    rows += [("adapter of elsewhere", digest) for digest in made.unknown]
    return Answer(
        people=lambda _width, _wide: _made_tree(made, names),
        rows=rows,
        data={
            "image": made.image.model_dump(mode="json", exclude={"writeId"}),
            "adapters": [_learned_data(one, names) for one in made.learned],
            "unknownAdapters": list(made.unknown),
        },
        names=[made.image.recipe_hash],
    )


def touched_answer(touched: Touched, names: Names) -> Answer:
    """What a photograph has touched, in all its forms; rows are (what, which, how many)."""
    rows = [("WHAT", "WHICH", "COUNT")]
    rows += [("dataset", one, "") for one in touched.datasets]
    rows += [("source", _source(one), "") for one in touched.intakes]
    rows += [("training", one.asked, "") for one in touched.trainings]
    rows += [("version", _version(one, names), "") for one in touched.versions]
    rows += [("images", _place(one, names), str(one.standing)) for one in touched.drawn]
    return Answer(
        people=lambda _width, _wide: _touched_tree(touched, names),
        rows=rows,
        data=_touched_data(touched, names),
        names=[_version(one, names) for one in touched.versions],
    )


def _image_rows(made: Made) -> list[tuple[str, str]]:
    recipe = made.image.recipe
    return [
        ("image", made.image.digest),
        ("recipe", made.image.recipe_hash),
        ("prompt", recipe.prompt),
        ("negative", recipe.negative),
        ("seed", str(recipe.seed)),
        ("size", f"{recipe.width}x{recipe.height}"),
        ("sampler", f"{recipe.sampling.name}, {recipe.sampling.steps} steps, guidance {recipe.sampling.guidance:g}"),
        ("base", recipe.base),
        ("made on", made.image.numerics),
    ]


def _learned_rows(learned: Learned, names: Names) -> list[tuple[str, str]]:
    return [
        ("adapter", f"{learned.training.adapter} at {learned.strength:g}"),
        ("training", learned.training.asked),
        *(("version", _version(one, names)) for one in learned.versions),
        ("dataset", f"{learned.training.dataset} ({len(learned.pictures)} pictures)"),
        *(("source", _source(one)) for one in learned.intakes),
    ]


def _made_tree(made: Made, names: Names) -> Tree:
    tree = Tree(Text.assemble("image ", (made.image.recipe_hash[:SHORT], "bold")))
    for what, which in _image_rows(made)[2:]:
        if which:
            tree.add(Text.assemble((f"{what}  ", "dim"), which[:SHORT] if what == "base" else which))
    for learned in made.learned:
        _add_learned(tree, learned, names)
    for digest in made.unknown:
        tree.add(Text(f"adapter {digest[:SHORT]}, which no training of this store made"))
    if not made.image.recipe.adapters:
        tree.add(Text("no adapter: the base alone"))
    return tree


def _add_learned(tree: Tree, learned: Learned, names: Names) -> None:
    called = ", ".join(_version(one, names) for one in learned.versions) or "no version of a brand"
    branch = tree.add(Text.assemble((called, "bold"), f" at {learned.strength:g}"))
    branch.add(Text.assemble(("adapter  ", "dim"), learned.training.adapter[:SHORT]))
    branch.add(Text.assemble(("trained  ", "dim"), _trained(learned.training)))
    pictures = branch.add(
        Text.assemble(("dataset  ", "dim"), f"{learned.training.dataset[:SHORT]}, {len(learned.pictures)} pictures")
    )
    for one in learned.intakes:
        pictures.add(Text.assemble(("source  ", "dim"), _source(one)))
    for picture in learned.pictures[:SHOWN]:
        pictures.add(Text.assemble((f"{picture.pixels[:SHORT]}  ", "dim"), picture.caption))
    if len(learned.pictures) > SHOWN:
        pictures.add(Text(f"and {len(learned.pictures) - SHOWN} more", style="dim"))


def _touched_tree(touched: Touched, names: Names) -> Tree:
    tree = Tree(Text.assemble("photograph ", (touched.pixels[:SHORT], "bold")))
    for picture in touched.pictures[:1]:
        tree.add(Text.assemble(("caption  ", "dim"), picture.caption))
    for digest in touched.datasets:
        dataset = tree.add(Text.assemble(("dataset  ", "dim"), digest[:SHORT]))
        for intake in (one for one in touched.intakes if one.dataset == digest):
            dataset.add(Text.assemble(("source  ", "dim"), _source(intake)))
        for training in (one for one in touched.trainings if one.dataset == digest):
            _add_training(dataset, training, touched.versions, names)
    for drawn in touched.drawn:
        tree.add(Text(f"{drawn.standing} images of {drawn.shots} {_place(drawn, names)}"))
    return tree


def _add_training(dataset: Tree, training: TrainRecord, versions: Sequence[VersionRecord], names: Names) -> None:
    called = ", ".join(_version(one, names) for one in versions if one.asked == training.asked)
    dataset.add(Text.assemble((called or "no version of a brand", "bold"), f", adapter {training.adapter[:SHORT]}"))


def _trained(training: TrainRecord) -> str:
    recipe = training.recipe
    libraries = " ".join(f"{name} {training.made[name]}" for name in ("torch", "diffusers") if name in training.made)
    attempts = "1 attempt" if training.attempts == 1 else f"{training.attempts} attempts"
    return f"{recipe.steps} steps at rank {recipe.rank}, seed {recipe.seed}, {attempts}, {libraries}"


def _version(record: VersionRecord, names: Names) -> str:
    """A version as people call it; of a deleted brand, by its uid."""
    return f"{names.get(record.project_uid, f'deleted {record.project_uid}')} {version_name(record.number)}"


def _source(intake: IntakeRecord) -> str:
    return intake.source


def _place(drawn: Drawn, names: Names) -> str:
    if not drawn.campaigns:
        return f"on the contact sheet {drawn.plan[:SHORT]}"
    return "in " + ", ".join(names.get(uid, f"deleted {uid}") for uid in drawn.campaigns)


def _learned_data(learned: Learned, names: Names) -> dict[str, Any]:
    return {
        "strength": learned.strength,
        "training": learned.training.model_dump(mode="json", exclude={"writeId"}),
        "versions": [_version_data(one, names) for one in learned.versions],
        "pictures": [one.model_dump(mode="json") for one in learned.pictures],
        "sources": [one.source for one in learned.intakes],
    }


def _touched_data(touched: Touched, names: Names) -> dict[str, Any]:
    return {
        "pixels": touched.pixels,
        "pictures": [one.model_dump(mode="json") for one in touched.pictures],
        "datasets": list(touched.datasets),
        "sources": [one.source for one in touched.intakes],
        "trainings": [{"asked": one.asked, "adapter": one.adapter} for one in touched.trainings],
        "versions": [_version_data(one, names) for one in touched.versions],
        "images": [
            {
                "plan": one.plan,
                "campaigns": [names.get(uid, uid) for uid in one.campaigns],
                "shots": one.shots,
                "standing": one.standing,
            }
            for one in touched.drawn
        ],
    }


def _version_data(record: VersionRecord, names: Names) -> dict[str, Any]:
    return {
        "project": names.get(record.project_uid),
        "uid": record.project_uid,
        "version": version_name(record.number),
        "declared": timestamp(record.created),
    }
