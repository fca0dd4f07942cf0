"""Documents that are accepted and documents that are refused, each with the field that is wrong.

One table for every judge of manifests: the models, and an API server that has the custom resources installed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]

LEFT_OUT = object()

PROJECT: Document = {
    "apiVersion": "brandfarm.dev/v1alpha1",
    "kind": "BrandProject",
    "metadata": {"name": "stable-socks", "namespace": "studio-a"},
    "spec": {
        "concept": "product",
        "trigger": "stblsx",
        "class": "sock",
        "dataset": {
            "source": "s3://studio-a/incoming/socks/",
            "rights": {"owner": "Studio A", "basis": "owned"},
        },
        "base": {"name": "tiny"},
        "judge": {"prompts": ["a photo of a stblsx sock on a beach"]},
    },
}
CAMPAIGN: Document = {
    "apiVersion": "brandfarm.dev/v1alpha1",
    "kind": "Campaign",
    "metadata": {"name": "spring", "namespace": "studio-a"},
    "spec": {
        "looks": [{"brand": "stable-socks"}],
        "shots": {"prompts": ["a photo of a {trigger} {class} on a beach"]},
    },
}
REVIEW: Document = {
    "apiVersion": "brandfarm.dev/v1alpha1",
    "kind": "Review",
    "metadata": {"generateName": "stable-socks-v3-", "namespace": "studio-a"},
    "spec": {"by": "lead@studio-a", "project": "stable-socks", "version": "v3", "verdict": "approve"},
}


@dataclass(frozen=True)
class Accepted:
    """A document that is accepted; `same_on_a_cluster` is False where only the command line may accept it."""

    rule: str
    document: Document
    same_on_a_cluster: bool = True


@dataclass(frozen=True)
class Refused:
    """A document that is refused because of one field; `same_on_a_cluster` is False where a cluster learns of it later."""

    rule: str
    document: Document
    field: str
    same_on_a_cluster: bool = True


@dataclass(frozen=True)
class Changed:
    """A document that was created and is written again; `fields` are those that may not change so, none where all may."""

    rule: str
    before: Document
    after: Document
    fields: tuple[str, ...] = ()


def with_(document: Document, **changes: Any) -> Document:
    """The document with other values; `spec__recipe__rank=8` sets spec.recipe.rank, LEFT_OUT drops a field."""
    changed = copy.deepcopy(document)
    for name, value in changes.items():
        *parents, last = [part.rstrip("_") for part in name.split("__")]
        node = changed
        for parent in parents:
            node = node.setdefault(parent, {})
        if value is LEFT_OUT:
            del node[last]
        else:
            node[last] = value
    return changed


def _project(**changes: Any) -> Document:
    return with_(PROJECT, **changes)


def _campaign(**changes: Any) -> Document:
    return with_(CAMPAIGN, **changes)


def _review(**changes: Any) -> Document:
    return with_(REVIEW, **changes)


def _many(count: int, word: str) -> list[str]:
    return [f"{word}-{number}" for number in range(count)]


def _largest_project() -> Document:
    prompts = [f"{number} a stblsx sock {'x' * 1000}"[:1000] for number in range(64)]
    judge = {"prompts": prompts, "seeds": list(range(32)), "tags": _many(32, "tag")}
    return _project(
        spec__judge={**judge, "palette": [f"#{number:06x}" for number in range(16)]},
        spec__dataset__glossary={f"{number} {'x' * 180}": "y" * 200 for number in range(100)},
        spec__finish=[{"grain": {}}] * 8,
        spec__placement={"gpuClasses": _many(8, "class")},
    )


def _largest_campaign() -> Document:
    """The lists whose rules are dear at their longest; a variable of one value does not add to the count of shots."""
    variables = {f"name_of_nineteen_{number:02}": ["x"] for number in range(15)}
    used = "".join(f"{{{name}}}" for name in variables)
    prompts = [f"{number:03} {'x' * 190}" for number in range(499)] + [f"{used} {{light}}"]
    return _campaign(
        spec__looks=[{"brand": f"brand-{number}", "with": [{"brand": "film"}]} for number in range(200)],
        spec__shots={
            "prompts": prompts,
            "variables": {**variables, "light": [f"{number} {'x' * 190}" for number in range(100)]},
            "seeds": {"values": [7]},
        },
        spec__limits={"shots": 1_000_000},
    )


def _largest_review() -> Document:
    shots = [{"prompt": prompt, "seed": seed, "verdict": "reject"} for prompt in range(64) for seed in range(32)]
    return _review(spec__shots=[{**shot, "tags": _many(32, "t")} for shot in shots], spec__tags=_many(32, "tag"))


_NIGHTLY = {"cron": "30 1 * * *"}
_LUT = {"source": f"lut://{'ab' * 32}"}
_PLACES = {"place": ["beach", "rooftop"]}

ACCEPTED = [
    Accepted("a project needs no more than this", PROJECT),
    Accepted("a campaign needs no more than this", CAMPAIGN),
    Accepted("a review needs no more than this", REVIEW),
    Accepted("the namespace is default where none is named", _project(metadata={"name": "socks"})),
    Accepted("a local folder is a source", _project(spec__dataset__source="./shots"), same_on_a_cluster=False),
    Accepted("a parent folder is a source", _project(spec__dataset__source="../shots"), same_on_a_cluster=False),
    Accepted("an uploaded listing is a source", _project(spec__dataset__source="upload://" + "0f" * 32)),
    Accepted("a whole bucket is a source", _project(spec__dataset__source="s3://studio-a")),
    Accepted("one prompt with the trigger is enough", _project(spec__judge__prompts=["a stblsx sock", "a sock"])),
    Accepted("the trigger may stand beside punctuation", _project(spec__judge__prompts=["Stblsx, a sock"])),
    Accepted("a licence is accepted by its name", _project(spec__base={"name": "a", "acceptLicence": "CC-BY-NC-4.0"})),
    Accepted("a pinned version serves", _project(spec__serve="v12")),
    Accepted("no approval may be needed", _project(spec__gate__approvals=0)),
    Accepted("an empty part takes its defaults", _project(spec__recipe={})),
    Accepted("a field that holds nothing counts as left out", _project(spec__recipe=None)),
    Accepted("a whole number is a number", _project(spec__recipe__alpha=8)),
    Accepted("the largest recipe", _project(spec__recipe={"rank": 128, "steps": 20000, "resolution": 2048})),
    Accepted(
        "a look from a table", _project(spec__finish=[{"lut": {"source": f"lut://{'ab' * 32}", "strength": 0.5}}])
    ),
    Accepted("a finish of two steps", _project(spec__finish=[{"colour": {"contrast": -20}}, {"grain": {}}])),
    Accepted("a name of 48 characters leaves room for reviews", _project(metadata__name="a" * 48)),
    Accepted("labels and annotations", _project(metadata__labels={"x.org/team": "A"}, metadata__annotations={"a": ""})),
    Accepted("what an API server adds", _project(metadata__managedFields=[{"manager": "kubectl"}], metadata__uid="1")),
    Accepted(
        "every variable of a prompt is filled in",
        _campaign(spec__shots={"prompts": ["a {place}"], "variables": _PLACES}),
    ),
    Accepted("seeds in a row", _campaign(spec__shots__seeds={"start": 0, "count": 4})),
    Accepted("seeds one by one", _campaign(spec__shots__seeds={"values": [7, 21]})),
    Accepted(
        "looks that combine brands", _campaign(spec__looks=[{"brand": "a", "with": [{"brand": "b", "strength": 0.4}]}])
    ),
    Accepted("one brand in two versions", _campaign(spec__looks=[{"brand": "a"}, {"brand": "a", "version": "v7"}])),
    Accepted(
        "exactly as many shots as the limit", _campaign(spec__shots__seeds={"count": 10}, spec__limits={"shots": 10})
    ),
    Accepted("a nightly campaign", _campaign(spec__schedule={**_NIGHTLY, "timeZone": "Europe/London", "window": "5h"})),
    Accepted("a campaign that runs once may have a long name", _campaign(metadata__name="a" * 63)),
    Accepted(
        "exactly as many shots as the limit, by the variables",
        _campaign(
            spec__shots={
                "prompts": ["a {place} in the {light}", "a sock"],
                "variables": {**_PLACES, "light": ["a", "b"]},
            },
            spec__limits={"shots": 5},
        ),
    ),
    Accepted("a thousand seeds", _campaign(spec__shots__seeds={"values": list(range(1000))})),
    Accepted("the largest project", _largest_project()),
    Accepted("the largest campaign", _largest_campaign()),
    Accepted("the largest review", _largest_review()),
    Accepted("a look from a file", _project(spec__finish=[{"lut": {"source": "./a.cube"}}]), same_on_a_cluster=False),
    Accepted("letters of any alphabet count once each", _project(spec__class="ö" * 200)),
    Accepted("an entry that holds nothing counts as left out", _project(spec__dataset__glossary={"a": None, "b": "c"})),
    Accepted("a project's name from a prefix", _project(metadata={"generateName": "a" * 42 + "-"})),
    Accepted("a night's name in full", _campaign(metadata__name="a" * 48, spec__schedule=_NIGHTLY)),
    Accepted(
        "a prompt with every name that a brand gives", _campaign(spec__shots__prompts=["{trigger}{class}{class}"])
    ),
    Accepted("a review with words on pictures", _review(spec__shots=[{"prompt": 0, "seed": 7, "verdict": "reject"}])),
    Accepted("a service account's word", _review(spec__by="system:serviceaccount:studio-a:ci")),
]

REFUSED = [
    Refused("an unknown field", _project(spec__recipe={"rnak": 8}), "spec.recipe.rnak"),
    Refused("a field in snake case", _project(spec__recipe={"learning_rate": 0.1}), "spec.recipe.learning_rate"),
    Refused("an unknown field of the document", with_(PROJECT, data={}), "data"),
    Refused("an unknown field of the metadata", _project(metadata__nmae="x"), "metadata.nmae"),
    Refused("no spec", _project(spec=LEFT_OUT), "spec"),
    Refused("no name", _project(metadata={"namespace": "studio-a"}), "metadata.name"),
    Refused("an unknown kind", with_(PROJECT, kind="BrandProjekt"), "kind"),
    Refused("another version of the group", with_(PROJECT, apiVersion="brandfarm.dev/v1"), "apiVersion"),
    Refused("a name with capitals", _project(metadata__name="Stable"), "metadata.name"),
    Refused("a name that leaves no room for reviews", _project(metadata__name="a" * 49), "metadata.name"),
    Refused("a name with a dot", _project(metadata__name="stable.socks"), "metadata.name"),
    Refused("a name of 64 characters", _campaign(metadata__name="a" * 64), "metadata.name"),
    Refused(
        "a prefix that leaves no room for reviews",
        _project(metadata={"generateName": "a" * 44}),
        "metadata.generateName",
    ),
    Refused(
        "a prefix that leaves no room for nights",
        _campaign(metadata={"generateName": "a" * 44}, spec__schedule=_NIGHTLY),
        "metadata.generateName",
    ),
    Refused("a namespace with a dot", _project(metadata__namespace="a.b"), "metadata.namespace"),
    Refused("a label with a space", _project(metadata__labels={"team": "a b"}), "metadata.labels.team"),
    Refused("no trigger", _project(spec__trigger=LEFT_OUT), "spec.trigger"),
    Refused("a trigger of two words", _project(spec__trigger="stbl sx"), "spec.trigger"),
    Refused("a trigger with capitals", _project(spec__trigger="STBLSX"), "spec.trigger"),
    Refused("a trigger that is the class", _project(spec__class="stblsx thing"), "spec.trigger"),
    Refused("a trigger that is the class in capitals", _project(spec__class="a STBLSX"), "spec.trigger"),
    Refused("an unknown concept", _project(spec__concept="prodct"), "spec.concept"),
    Refused("no rights", _project(spec__dataset__rights=LEFT_OUT), "spec.dataset.rights"),
    Refused("rights without a basis", _project(spec__dataset__rights={"owner": "A"}), "spec.dataset.rights.basis"),
    Refused("a source on the web", _project(spec__dataset__source="https://x.org/a"), "spec.dataset.source"),
    Refused("a source that is a bare word", _project(spec__dataset__source="shots"), "spec.dataset.source"),
    Refused("an empty word in the glossary", _project(spec__dataset__glossary={"a": ""}), "spec.dataset.glossary.a"),
    Refused("braces in the glossary", _project(spec__dataset__glossary={"{a}": "b"}), "spec.dataset.glossary.{a}"),
    Refused("a number in quotes", _project(spec__recipe={"rank": "16"}), "spec.recipe.rank"),
    Refused("a fraction for a whole number", _project(spec__recipe={"rank": 1.5}), "spec.recipe.rank"),
    Refused(  # the server keeps it as 16
        "a whole number with a point",
        _project(spec__recipe={"rank": 16.0}),
        "spec.recipe.rank",
        same_on_a_cluster=False,
    ),
    Refused("true for a number", _project(spec__recipe={"alpha": True}), "spec.recipe.alpha"),
    Refused("a rank of nothing", _project(spec__recipe={"rank": 0}), "spec.recipe.rank"),
    Refused("a rank past the largest", _project(spec__recipe={"rank": 129}), "spec.recipe.rank"),
    Refused("a learning rate of nothing", _project(spec__recipe={"learningRate": 0}), "spec.recipe.learningRate"),
    Refused("a side that is no multiple of 8", _project(spec__recipe={"resolution": 65}), "spec.recipe.resolution"),
    Refused("prior pictures alone", _project(spec__recipe={"prior": 1}), "spec.recipe.prior"),
    Refused(
        "a warm-up longer than the training",
        _project(spec__recipe={"steps": 10, "warmupSteps": 11}),
        "spec.recipe.warmupSteps",
    ),
    Refused("no base", _project(spec__base=LEFT_OUT), "spec.base"),
    Refused("a base without a name", _project(spec__base={"acceptLicence": "MIT"}), "spec.base.name"),
    Refused("a base by its hub id", _project(spec__base={"name": "org/model"}), "spec.base.name"),
    Refused("yes for a licence", _project(spec__base__acceptLicence=True), "spec.base.acceptLicence"),
    Refused("a licence of no words", _project(spec__base__acceptLicence=""), "spec.base.acceptLicence"),
    Refused("no judge", _project(spec__judge=LEFT_OUT), "spec.judge"),
    Refused("a judge without prompts", _project(spec__judge={"prompts": []}), "spec.judge.prompts"),
    Refused("no prompt with the trigger", _project(spec__judge__prompts=["a sock"]), "spec.judge.prompts"),
    Refused("the trigger inside a word", _project(spec__judge__prompts=["a stblsxy sock"]), "spec.judge.prompts"),
    Refused(
        "braces in a judge's prompt",
        _project(spec__judge__prompts=["a stblsx sock", "a {trigger}"]),
        "spec.judge.prompts[1]",
    ),
    Refused("a seed twice", _project(spec__judge__seeds=[7, 7]), "spec.judge.seeds[1]"),
    Refused("a judge's prompt twice", _project(spec__judge__prompts=["a stblsx"] * 2), "spec.judge.prompts[1]"),
    Refused("a colour twice", _project(spec__judge__palette=["#aabbcc", "#aabbcc"]), "spec.judge.palette[1]"),
    Refused("a judge's tag twice", _project(spec__judge__tags=["dull", "dull"]), "spec.judge.tags[1]"),
    Refused("a judge of too many prompts", _project(spec__judge__prompts=["stblsx"] * 65), "spec.judge.prompts"),
    Refused("a negative seed", _project(spec__judge__seeds=[-1]), "spec.judge.seeds[0]"),
    Refused("a colour by name", _project(spec__judge__palette=["red"]), "spec.judge.palette[0]"),
    Refused("a sampler that nobody knows", _project(spec__judge__sampler={"name": "dpm"}), "spec.judge.sampler.name"),
    Refused("no denoising steps", _project(spec__judge__sampler={"steps": 0}), "spec.judge.sampler.steps"),
    Refused(
        "a look that is no .cube file",
        _project(spec__finish=[{"lut": {"source": "./a.png"}}]),
        "spec.finish[0].lut.source",
    ),
    Refused("a finish step of nothing", _project(spec__finish=[{}]), "spec.finish[0]"),
    Refused("a finish step of two things", _project(spec__finish=[{"colour": {}, "grain": {}}]), "spec.finish[0]"),
    Refused(
        "a finish step of everything",
        _project(spec__finish=[{"colour": {}, "grain": {}, "lut": _LUT}]),
        "spec.finish[0]",
    ),
    Refused("a finish by an unknown name", _project(spec__finish=[{"color": {}}]), "spec.finish[0].color"),
    Refused(
        "contrast in quotes", _project(spec__finish=[{"colour": {"contrast": "1"}}]), "spec.finish[0].colour.contrast"
    ),
    Refused("approvals below nothing", _project(spec__gate__approvals=-1), "spec.gate.approvals"),
    Refused("version nought", _project(spec__serve="v0"), "spec.serve"),
    Refused("an unknown priority", _project(spec__placement={"priority": "urgent"}), "spec.placement.priority"),
    Refused("a deadline past midnight", _project(spec__placement={"deadline": "24:00"}), "spec.placement.deadline"),
    Refused(
        "a class of workers twice", _project(spec__placement={"gpuClasses": ["a", "a"]}), "spec.placement.gpuClasses[1]"
    ),
    Refused(
        "a class of workers twice for a campaign",
        _campaign(spec__placement={"gpuClasses": ["a", "a"]}),
        "spec.placement.gpuClasses[1]",
    ),
    Refused("no looks", _campaign(spec__looks=[]), "spec.looks"),
    Refused(
        "a strength past the largest",
        _campaign(spec__looks=[{"brand": "a", "strength": 2.1}]),
        "spec.looks[0].strength",
    ),
    Refused(
        "a version that is not one",
        _campaign(spec__looks=[{"brand": "a", "version": "approved"}]),
        "spec.looks[0].version",
    ),
    Refused(
        "one brand twice in a look",
        _campaign(spec__looks=[{"brand": "a", "with": [{"brand": "a"}]}]),
        "spec.looks[0].with[0].brand",
    ),
    Refused(
        "one brand twice beside another",
        _campaign(spec__looks=[{"brand": "a", "with": [{"brand": "b"}, {"brand": "b"}]}]),
        "spec.looks[0].with[1].brand",
    ),
    Refused(
        "the same look by its default",
        _campaign(spec__looks=[{"brand": "a"}, {"brand": "a", "strength": 1}]),
        "spec.looks[1]",
    ),
    Refused("the same look twice", _campaign(spec__looks=[{"brand": "a"}, {"brand": "a"}]), "spec.looks[1]"),
    Refused("an unknown variable", _campaign(spec__shots__prompts=["a {place}"]), "spec.shots.prompts[0]"),
    Refused(
        "an unknown variable beside a known one",
        _campaign(spec__shots__prompts=["{class} {place}"]),
        "spec.shots.prompts[0]",
    ),
    Refused("a closing brace alone", _campaign(spec__shots__prompts=["a sock}"]), "spec.shots.prompts[0]"),
    Refused("braces in braces", _campaign(spec__shots__prompts=["a {{class}}"]), "spec.shots.prompts[0]"),
    Refused("a brace alone", _campaign(spec__shots__prompts=["a {trigger"]), "spec.shots.prompts[0]"),
    Refused("a variable that no prompt uses", _campaign(spec__shots__variables=_PLACES), "spec.shots.variables.place"),
    Refused(
        "a variable that comes from the brand",
        _campaign(spec__shots__variables={"trigger": ["x"]}),
        "spec.shots.variables.trigger",
    ),
    Refused(
        "a variable that is the class",
        _campaign(spec__shots={"prompts": ["a {class}"], "variables": {"class": ["x"]}}),
        "spec.shots.variables.class",
    ),
    Refused(
        "a variable's value twice",
        _campaign(spec__shots={"prompts": ["a {place}"], "variables": {"place": ["x", "y", "x"]}}),
        "spec.shots.variables.place[2]",
    ),
    Refused(
        "a variable without values",
        _campaign(spec__shots={"prompts": ["a {place}"], "variables": {"place": []}}),
        "spec.shots.variables.place",
    ),
    Refused(
        "braces in a variable's value",
        _campaign(spec__shots={"prompts": ["a {place}"], "variables": {"place": ["{x}"]}}),
        "spec.shots.variables.place[0]",
    ),
    Refused(
        "a variable's name with a dash",
        _campaign(spec__shots={"prompts": ["a {my-place}"], "variables": {"my-place": ["x"]}}),
        "spec.shots.variables.my-place",
    ),
    Refused("a prompt twice", _campaign(spec__shots__prompts=["a", "a"]), "spec.shots.prompts[1]"),
    Refused(
        "prompts that are too much text together",
        _campaign(spec__shots__prompts=[f"{number} {'x' * 990}" for number in range(110)]),
        "spec.shots.prompts",
    ),
    Refused("a size twice", _campaign(spec__shots__sizes=["64x64", "64x64"]), "spec.shots.sizes[1]"),
    Refused("a size above 2048", _campaign(spec__shots__sizes=["64x2056"]), "spec.shots.sizes[0]"),
    Refused("a campaign's seed twice", _campaign(spec__shots__seeds={"values": [3, 3]}), "spec.shots.seeds.values[1]"),
    Refused(
        "seeds from a start and one by one",
        _campaign(spec__shots__seeds={"start": 4, "values": [1]}),
        "spec.shots.seeds.values",
    ),
    Refused("a size without a height", _campaign(spec__shots__sizes=["64"]), "spec.shots.sizes[0]"),
    Refused("a size that is no multiple of 8", _campaign(spec__shots__sizes=["64x65"]), "spec.shots.sizes[0]"),
    Refused("a size below 64", _campaign(spec__shots__sizes=["32x64"]), "spec.shots.sizes[0]"),
    Refused(
        "seeds in a row and one by one",
        _campaign(spec__shots__seeds={"count": 4, "values": [1]}),
        "spec.shots.seeds.values",
    ),
    Refused(
        "seeds past the largest",
        _campaign(spec__shots__seeds={"start": 4294967295, "count": 2}),
        "spec.shots.seeds.count",
    ),
    Refused(
        "more shots than the limit",
        _campaign(spec__shots__seeds={"count": 11}, spec__limits={"shots": 10}),
        "spec.limits.shots",
    ),
    Refused(
        "more shots than the limit, by the variables",
        _campaign(spec__shots={"prompts": ["a {place}", "a sock"], "variables": _PLACES}, spec__limits={"shots": 2}),
        "spec.limits.shots",
    ),
    Refused("an image format that is not made", _campaign(spec__output={"format": "gif"}), "spec.output.format"),
    Refused("yes for true", _campaign(spec__output={"contactSheet": "yes"}), "spec.output.contactSheet"),
    Refused("a rate above one", _campaign(spec__limits={"stopIf": {"failedRate": 2}}), "spec.limits.stopIf.failedRate"),
    Refused("a cron of four fields", _campaign(spec__schedule={"cron": "1 * * *"}), "spec.schedule.cron"),
    Refused("a window without a unit", _campaign(spec__schedule={**_NIGHTLY, "window": "5"}), "spec.schedule.window"),
    Refused(
        "a name that leaves no room for its nights",
        _campaign(metadata__name="a" * 49, spec__schedule=_NIGHTLY),
        "metadata.name",
    ),
    Refused("a review by nobody", _review(spec__by=LEFT_OUT), "spec.by"),
    Refused("a review of what serves", _review(spec__version="serving"), "spec.version"),
    Refused("a verdict that is not one", _review(spec__verdict="approved"), "spec.verdict"),
    Refused("a tag with a space", _review(spec__tags=["ai look"]), "spec.tags[0]"),
    Refused("a tag twice", _review(spec__tags=["ai-look", "ai-look"]), "spec.tags[1]"),
    Refused(
        "two words on one picture",
        _review(
            spec__shots=[{"prompt": 0, "seed": 7, "verdict": "approve"}, {"prompt": 0, "seed": 7, "verdict": "reject"}]
        ),
        "spec.shots[1]",
    ),
    Refused(
        "a tag twice on one picture",
        _review(spec__shots=[{"prompt": 0, "seed": 7, "verdict": "reject", "tags": ["dull", "dull"]}]),
        "spec.shots[0].tags[1]",
    ),
    Refused("a review with a status", with_(REVIEW, status={}), "status"),
]

_DRAWN = _campaign(
    spec__shots={"prompts": ["a {place}", "a {trigger}"], "variables": _PLACES, "seeds": {"values": [7, 21]}}
)
_JUDGED = _review(
    metadata={"name": "stable-socks-v3-abcde", "namespace": "studio-a"},
    spec__shots=[{"prompt": 0, "seed": seed, "verdict": "reject", "tags": ["dull", "ai-look"]} for seed in (7, 21)],
)


def _backwards(document: Document, *path: str | int) -> Document:
    changed = copy.deepcopy(document)
    node: Any = changed
    for step in path:
        node = node[step]
    node.reverse()
    return changed


CHANGED = [
    Changed(
        "a project may change in everything",
        PROJECT,
        _project(spec__class="stocking", spec__recipe={"rank": 8}, spec__serve="v2", spec__gate={"approvals": 0}),
    ),
    Changed(
        "a campaign's limits and placement may change",
        CAMPAIGN,
        _campaign(spec__limits={"shots": 9}, spec__placement={"priority": "high"}),
    ),
    Changed("a default may be written out", CAMPAIGN, _campaign(spec__shots__sizes=["64x64"], spec__sampler={})),
    Changed("a schedule may come", CAMPAIGN, _campaign(spec__schedule=_NIGHTLY)),
    Changed("looks are fixed", CAMPAIGN, _campaign(spec__looks=[{"brand": "other"}]), ("spec.looks",)),
    Changed("shots are fixed", CAMPAIGN, _campaign(spec__shots__seeds={"count": 2}), ("spec.shots",)),
    Changed("a sampler is fixed", CAMPAIGN, _campaign(spec__sampler={"steps": 9}), ("spec.sampler",)),
    Changed("the order of prompts is fixed", _DRAWN, _backwards(_DRAWN, "spec", "shots", "prompts"), ("spec.shots",)),
    Changed(
        "the order of a variable's values is fixed",
        _DRAWN,
        _backwards(_DRAWN, "spec", "shots", "variables", "place"),
        ("spec.shots",),
    ),
    Changed(
        "the order of seeds is fixed", _DRAWN, _backwards(_DRAWN, "spec", "shots", "seeds", "values"), ("spec.shots",)
    ),
    Changed("a review may be written again", _JUDGED, _JUDGED),
    Changed(
        "a review is never changed",
        _JUDGED,
        with_(_JUDGED, spec__verdict="revise", spec__projectUid="u1"),
        ("spec.projectUid", "spec.verdict"),
    ),
    Changed("the order of pictures is fixed", _JUDGED, _backwards(_JUDGED, "spec", "shots"), ("spec.shots",)),
    Changed(
        "the order of a picture's tags is fixed",
        _JUDGED,
        _backwards(_JUDGED, "spec", "shots", 0, "tags"),
        ("spec.shots",),
    ),
]
