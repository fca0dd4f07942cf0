"""A controller that no longer leads is not heard any more; and one that newly leads learns who wants something."""

from __future__ import annotations

import pytest

from cluster.dispatcher import Dispatcher
from cluster.ports import KnownOwner, Origin, WantedSet
from jobs.errors import StaleTerm
from jobs.spec import Job
from tests.cluster.dispatching import moment, training, wanted
from tests.cluster.test_api import Farm, played
from tests.cluster.test_api import farm as farm

SOCK, MUG = training(1), training(2)
SOCKS = Origin(home="home-1", kind="BrandProject", namespace="studio-a", name="socks")


def of_term(term: int, *jobs: Job, lease: str = "lease-1") -> WantedSet:
    return WantedSet(generation=1, jobs=jobs, origin=SOCKS, lease=lease, term=term)


def test_a_set_of_an_earlier_term_is_refused_and_changes_nothing() -> None:
    dispatcher = Dispatcher()
    dispatcher.want("socks", of_term(2, SOCK), moment(0))
    with pytest.raises(StaleTerm, match="A controller of term 1 spoke, but one of term 2 leads"):
        dispatcher.want("socks", of_term(1), moment(1))
    assert dispatcher.wanted_by("socks") == {SOCK.id}


def test_whoever_asks_for_the_owners_ends_the_terms_before_its_own() -> None:
    dispatcher = Dispatcher()
    dispatcher.heed_term("lease-1", 3)
    with pytest.raises(StaleTerm):
        dispatcher.want("socks", of_term(2, SOCK), moment(0))
    dispatcher.want("socks", of_term(3, SOCK), moment(0))
    dispatcher.want("socks", of_term(4, SOCK), moment(0))


def test_each_lease_counts_its_own_terms() -> None:
    dispatcher = Dispatcher()
    dispatcher.heed_term("lease-1", 7)
    dispatcher.want("mugs", of_term(1, MUG, lease="lease-2"), moment(0))
    dispatcher.want("laptop", wanted(SOCK), moment(0))
    assert [one.uid for one in dispatcher.owners()] == ["laptop", "mugs"]


def test_an_owner_is_known_with_its_origin_for_as_long_as_it_wants_something() -> None:
    dispatcher = Dispatcher()
    dispatcher.want("socks", of_term(1, SOCK), moment(0))
    dispatcher.want("mugs", of_term(1), moment(0))
    assert dispatcher.owners() == (KnownOwner(uid="socks", origin=SOCKS),)
    dispatcher.want("socks", of_term(1), moment(1))
    assert dispatcher.owners() == ()


def test_over_http_a_stale_term_is_a_conflict_and_comes_back_as_itself(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.in_charge() as client:
            await client.put_jobs("socks", of_term(2, SOCK))
            told = await client.owners("lease-1", 3)
            assert (told.epoch, told.owners) == (1, (KnownOwner(uid="socks", origin=SOCKS),))
            with pytest.raises(StaleTerm, match="one of term 3 leads") as refused:
                await client.put_jobs("socks", of_term(2))
            assert not refused.value.retryable
            assert await client.owners("lease-1", 3) == told

    played(scene())
