"""One in charge: leases on a real API server, in a time of the tests' own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cluster.kube import paths
from cluster.kube.client import KubeClient
from cluster.kube.lease import Leadership
from jobs.errors import Forbidden, LeadershipLost, NotFound
from tests.kubernetes.proxy import Door, Proxy, in_front_of, refusal
from tests.tools.kube import KubeApi

pytestmark = [pytest.mark.kube, pytest.mark.anyio]


class OwnTime:
    """A clock that goes on, to whoever wakes next, once all who go by it are asleep."""

    def __init__(self) -> None:
        self.passed = 1000.0
        self.sleepers = 1  # how many there are
        self._asleep: list[tuple[float, asyncio.Event]] = []

    def monotonic(self) -> float:
        return self.passed

    def now(self) -> float:
        return 1_800_000_000.0 + self.passed

    async def sleep(self, seconds: float) -> None:
        called = asyncio.Event()
        self._asleep.append((self.passed + seconds, called))
        if len(self._asleep) >= self.sleepers:
            self.passed = min(due for due, _ in self._asleep)
            for due, one in self._asleep:
                if due <= self.passed:
                    one.set()
            self._asleep = [(due, one) for due, one in self._asleep if due > self.passed]
        await called.wait()
        await asyncio.sleep(0)


class Candidates:
    """Controllers that want to be in charge, each with its own connection."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self.client, self.namespace, self.time = client, namespace, OwnTime()

    def named(self, identity: str, client: KubeClient | None = None) -> Leadership:
        """One candidate."""
        return Leadership(
            client or self.client, self.namespace, "brandfarm", identity, self.time, sleep=self.time.sleep
        )

    async def spec(self) -> dict[str, object]:
        """What the lease says now."""
        return dict((await self.client.get(f"{paths.leases(self.namespace)}/brandfarm"))["spec"])


@pytest.fixture
def candidates(client: KubeClient, namespace: str) -> Candidates:
    """Those of one namespace."""
    return Candidates(client, namespace)


async def held_until_lost(leadership: Leadership) -> LeadershipLost:
    """What ends a leadership."""
    async with asyncio.timeout(90):
        with pytest.raises(LeadershipLost) as lost:
            await leadership.hold()
    return lost.value


async def test_who_comes_first_is_in_charge_and_the_next_takes_over_once_it_is_given_back(
    candidates: Candidates,
) -> None:
    first, second = candidates.named("one"), candidates.named("two")
    term = await first.win()
    assert (first.is_held, second.is_held, second.term) == (True, False, 0)
    assert (await candidates.spec())["holderIdentity"] == "one"
    begun = candidates.time.passed
    await first.release()
    assert await second.win() > term
    assert candidates.time.passed == begun
    assert (first.is_held, second.is_held) == (False, True)
    spec = await candidates.spec()
    assert (spec["holderIdentity"], spec["leaseTransitions"], spec["leaseDurationSeconds"]) == ("two", 2, 15)


async def test_one_that_stopped_renewing_is_followed_after_fifteen_seconds_and_gives_up_itself_after_ten(
    candidates: Candidates,
) -> None:
    first, second = candidates.named("one"), candidates.named("two")
    await first.win()
    begun = candidates.time.passed
    await second.win()
    assert 15.0 <= candidates.time.passed - begun <= 17.0
    assert not first.is_held
    lost = await held_until_lost(first)
    assert "could not be renewed for 10 s" in lost.message
    await first.release()
    assert (await candidates.spec())["holderIdentity"] == "two"


async def test_a_holder_that_renews_keeps_it(candidates: Candidates) -> None:
    first, second = candidates.named("one"), candidates.named("two")
    term = await first.win()
    before = (await candidates.spec())["renewTime"]
    candidates.time.sleepers = 2
    holding = asyncio.create_task(first.hold())
    looking = asyncio.create_task(second.win())
    begun = candidates.time.passed
    async with asyncio.timeout(90):
        while candidates.time.passed < begun + 40:
            await asyncio.sleep(0.01)
    assert (first.term, second.term, holding.done(), looking.done()) == (term, 0, False, False)
    assert str((await candidates.spec())["renewTime"]) > str(before)
    for task in (holding, looking):
        task.cancel()
    await asyncio.wait([holding, looking])


async def test_one_whose_lease_another_took_ends_at_its_next_renewal(candidates: Candidates) -> None:
    first = candidates.named("one")
    await first.win()
    again = candidates.named("one")  # the same pod, after its container was started anew
    assert await again.win() > first.term
    lost = await held_until_lost(first)
    assert "one has it now" in lost.message
    await candidates.client.delete(f"{paths.leases(candidates.namespace)}/brandfarm")
    assert "no leases brandfarm" in (await held_until_lost(again)).message


async def test_a_lease_that_somebody_deleted_does_not_set_the_terms_back(candidates: Candidates) -> None:
    first = candidates.named("one")
    for _ in range(3):
        term = await first.win()
        await first.release()
    await candidates.client.delete(f"{paths.leases(candidates.namespace)}/brandfarm")
    await asyncio.sleep(1.1)  # the server writes the moment of its making in whole seconds
    assert await first.win() > term


@pytest.fixture
async def door(farm_api: KubeApi) -> AsyncIterator[tuple[Proxy, Door]]:
    """A spoiling proxy before the server."""
    async with in_front_of(farm_api) as opened:
        yield opened


async def test_a_holder_survives_short_troubles_and_no_long_ones(
    candidates: Candidates, door: tuple[Proxy, Door]
) -> None:
    proxy, way = door
    async with KubeClient(way) as shaky:
        first = candidates.named("one", shaky)
        await first.win()
        proxy.is_deaf = True
        holding = asyncio.create_task(held_until_lost(first))
        begun = candidates.time.passed
        lost = await holding
        assert ("could not be renewed" in lost.message, candidates.time.passed - begun) == (True, 10.0)


async def test_who_may_not_lead_and_where_there_is_no_namespace_is_told_at_once(
    candidates: Candidates, farm_api: KubeApi
) -> None:
    stranger = await asyncio.to_thread(farm_api.as_user, "stranger")
    async with KubeClient.of_kubeconfig(stranger) as nobody:
        with pytest.raises(Forbidden, match="get leases brandfarm"):
            await candidates.named("one", nobody).win()
    candidates.namespace = "nowhere"
    with pytest.raises(NotFound, match="no namespace nowhere"):
        await candidates.named("one").win()


async def test_who_waits_for_its_turn_waits_on_while_a_server_has_not_read_its_roles(
    candidates: Candidates, door: tuple[Proxy, Door]
) -> None:
    proxy, way = door
    term = await candidates.named("one").win()
    async with KubeClient(way) as shaky:
        winning = asyncio.create_task(candidates.named("two", shaky).win())
        async with asyncio.timeout(90):
            while proxy.asked["GET"] < 2:
                await asyncio.sleep(0.005)
            proxy.refusals = [refusal(403, "Forbidden"), refusal(403, "Forbidden")]
            assert await winning > term
    assert proxy.refusals == []
