"""How changes reach those who watch: the newest of each, in order, and none before its writer knows of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from cluster.kube.news import News
from cluster.ports import Change

pytestmark = pytest.mark.anyio


def change(name: str, version: int, uid: str = "", deleted: bool = False) -> Change:
    """A change of a BrandProject."""
    kind, namespace = "BrandProject", "studio-a"
    return Change(
        kind=kind, namespace=namespace, name=name, uid=uid or f"uid-{name}", deleted=deleted, resource_version=version
    )


async def heard(watch: AsyncGenerator[Change, None], count: int) -> list[tuple[str, int]]:
    """The next changes."""
    changes = [await anext(watch) for _ in range(count)]
    return [(one.name, one.resource_version) for one in changes]


async def test_a_slow_listener_hears_the_newest_of_each_and_every_death() -> None:
    news = News()
    async with aclosing(news.watch([change("mug", 1)])) as watch:
        assert await heard(watch, 1) == [("mug", 1)]
        news.tell([change("mug", 2), change("socks", 3), change("mug", 4)])
        news.tell([change("mug", 5, deleted=True), change("mug", 6, uid="uid-2")])
        assert await heard(watch, 3) == [("socks", 3), ("mug", 5), ("mug", 6)]


async def test_a_change_waits_until_its_write_is_over_and_keeps_nobody_else_waiting() -> None:
    news = News()
    async with aclosing(news.watch([change("vase", 1)])) as watch:
        assert await heard(watch, 1) == [("vase", 1)]
        with news.held(("BrandProject", "studio-a", "mug")):
            news.tell([change("mug", 2), change("socks", 3)])
            assert await heard(watch, 1) == [("socks", 3)]
            news.tell([change("mug", 4)])
        assert await heard(watch, 1) == [("mug", 4)]
