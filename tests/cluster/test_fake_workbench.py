"""The fake workbench keeps the contract of the real one."""

from __future__ import annotations

from jobs.ports import ObjectStore
from jobs.spec import GenerateAsk, IntakeAsk, Job, TrainAsk, TrainRecipe
from jobs.work import Workbench
from tests.contract.workbench import WorkbenchContract
from tests.fakes.workbench import FakeWorkbench


class TestFakeWorkbench(WorkbenchContract):
    def open(self, store: ObjectStore) -> Workbench:
        return FakeWorkbench(store)

    def furnish(self, store: ObjectStore) -> None:
        """It needs nothing."""

    def training(self, number: int) -> Job:
        return Job(ask=TrainAsk(dataset="d" * 64, base="b", trigger="t", recipe=TrainRecipe(seed=number, steps=4)))

    def chunk(self, number: int) -> Job:
        return Job(ask=GenerateAsk(plan="p" * 64, start=number * 4, stop=number * 4 + 4))

    def intake(self, number: int) -> Job:
        return Job(ask=IntakeAsk(source=f"upload://{number}", listing="l", trigger="t"))
