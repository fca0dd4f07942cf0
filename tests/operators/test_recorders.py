"""What befell a manifest is written beside whoever tells it: in its order, not for ever, and nobody waits."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from operators import recorders
from operators.recorders import MOST_WAITING, aside
from tests import builders

pytestmark = pytest.mark.anyio


class Slow:
    """A recorder that writes only while it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.told: list[str] = []

    async def tell(
        self, document: dict[str, Any], kind: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        await self.may.wait()
        self.told.append(message)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


BRAND = builders.kept(builders.project())


async def test_nobody_waits_and_what_befell_one_manifest_is_written_in_its_order() -> None:
    slow = Slow()
    async with aside(slow) as recorder:
        for number in range(20):
            await recorder.tell(BRAND, "Normal", "Progress", f"Step {number}")
        assert slow.told == []
        slow.may.set()
    assert slow.told == [f"Step {number}" for number in range(20)]


async def test_a_server_that_is_far_behind_is_told_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    slow = Slow()
    async with aside(slow) as recorder:
        for number in range(MOST_WAITING + 5):
            await recorder.tell(BRAND, "Normal", "Progress", f"Step {number}")
        slow.may.set()
    assert (len(slow.told), capsys.readouterr().out.count("event not written")) == (MOST_WAITING, 5)


async def test_one_event_that_cannot_be_told_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    class Mistaken(Slow):
        async def tell(self, *told: Any) -> None:
            self.told.append(told[-1][5:])

    mistaken = Mistaken()
    mistaken.may.set()
    async with aside(mistaken) as recorder:
        for message in (None, "Step 2"):
            await recorder.tell(BRAND, "Normal", "Progress", message)  # type: ignore[arg-type]
    assert (mistaken.told, "TypeError" in capsys.readouterr().out) == (["2"], True)


async def test_a_silent_server_does_not_keep_a_controller_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "FAREWELL_SECONDS", 0.01)
    slow = Slow()
    async with asyncio.timeout(90):
        async with aside(slow) as recorder:
            for uid in range(8):
                await recorder.tell(builders.kept(BRAND, f"uid-{uid}"), "Warning", "Lost", "It is gone.")
    assert slow.told == []
