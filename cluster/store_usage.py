"""How much lies in a store: by kind, by brand and campaign, and what a sweep would free. Pure: a census in, figures out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cluster import store_owners
from cluster.store_census import Census
from cluster.store_owners import Holdings, ReadPlan
from jobs import keys
from jobs.references import Kind

WORDS: Mapping[Kind, str] = {
    Kind.PICTURE: "dataset pictures",
    Kind.PICTURES: "dataset pictures",
    Kind.SET_ASIDE: "dataset pictures",
    Kind.UPLOAD: "uploaded folders",
    Kind.UPLOADED: "uploaded folders",
    Kind.ADAPTER: "adapters",
    Kind.LOSSES: "samples and curves",
    Kind.SAMPLES: "samples and curves",
    Kind.SAMPLE: "samples and curves",
    Kind.STATE: "checkpoints",
    Kind.PLAN: "plans",
    Kind.IMAGE: "images",
    Kind.BASE_FILE: "base models",
    Kind.ANY: "other blobs",
}
PREFIXES = (
    ("cache/", "caches"),
    ("attempt/", "logs"),
    ("checkpoint/", "checkpoints"),
    ("record/", "records"),
    ("image/", "records"),
    ("base/", "records"),
    ("catalogue/", "records"),
    ("epoch/", "records"),
    ("sweep/", "marks of sweeps"),
)
UNNAMED, FOREIGN = "named by nothing", "not the farm's"


@dataclass(frozen=True)
class Amount:
    """So many objects of so many bytes together."""

    objects: int
    size: int


@dataclass(frozen=True)
class Holder:
    """A brand or campaign: what it alone holds, and what it holds together with others."""

    title: str
    is_deleted: bool
    own: Amount
    shared: Amount


@dataclass(frozen=True)
class Usage:
    """A store in figures, the largest first. `shared` lies in the total once, whoever else holds it; `unowned` is no one's."""

    total: Amount
    kinds: tuple[tuple[str, Amount], ...]
    holders: tuple[Holder, ...]
    shared: Amount
    unowned: Amount


def usage(census: Census, read_plan: ReadPlan) -> Usage:
    """Figures of a store. Blobs that several hold are counted once in the kinds and the total."""
    held = _held(census, read_plan)
    holders = Counter(key for _, owned in held for key in owned)
    return Usage(
        total=_amount(census, census.objects),
        kinds=_kinds(census),
        holders=tuple(sorted((_holder(census, owner, owned, holders) for owner, owned in held), key=_largest_first)),
        shared=_amount(census, (key for key, count in holders.items() if count > 1)),
        unowned=_amount(census, (key for key in census.objects if key not in holders)),
    )


def _held(census: Census, read_plan: ReadPlan) -> list[tuple[store_owners.Owner, set[str]]]:
    holdings = Holdings(census, read_plan)
    return [
        (owner, {key for key in holdings.owned(owner.roots) if key in census.objects})
        for owner in store_owners.owners(census)
    ]


def _holder(census: Census, owner: store_owners.Owner, owned: set[str], holders: Counter[str]) -> Holder:
    return Holder(
        owner.title,
        owner.is_deleted,
        own=_amount(census, (key for key in owned if holders[key] == 1)),
        shared=_amount(census, (key for key in owned if holders[key] > 1)),
    )


def _largest_first(holder: Holder) -> tuple[int, str]:
    return -(holder.own.size + holder.shared.size), holder.title


def _kinds(census: Census) -> tuple[tuple[str, Amount], ...]:
    named = store_owners.kinds(census)
    sorted_keys: dict[str, list[str]] = defaultdict(list)
    for key in census.objects:
        sorted_keys[_word(key, named.get(key))].append(key)
    found = [(word, _amount(census, those)) for word, those in sorted_keys.items()]
    return tuple(sorted(found, key=lambda one: (-one[1].size, one[0])))


def _word(key: str, kind: Kind | None) -> str:
    if key.startswith(keys.CAS):
        return WORDS.get(kind, UNNAMED) if kind else UNNAMED
    return next((word for prefix, word in PREFIXES if key.startswith(prefix)), FOREIGN)


def _amount(census: Census, chosen: Iterable[str]) -> Amount:
    sizes = [census.objects[key].size for key in chosen]
    return Amount(len(sizes), sum(sizes))
