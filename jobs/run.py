"""Joins the heavy half: opens the workbench of one worker process. Imported only inside that process."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from accelerate import PartialState

from jobs.bases import catalogue
from jobs.bases.catalogue import BaseEntry
from jobs.ports import Clock, ObjectStore, Source
from jobs.workbench.resident import ResidentWorkbench, Room


def open_workbench(
    store: ObjectStore,
    open_source: Callable[[str], Source],
    clock: Clock,
    *,
    threads: int,
    room: Room | None = None,
    find_base: Callable[[str], BaseEntry] = catalogue.by_digest,
) -> ResidentWorkbench:
    """The workbench of this process, on its accelerator where it has one. threads: torch's, for work on the CPU.

    find_base: where a base of some digest lies on this disk; left out, only the shipped ones are known.
    """
    torch.set_num_threads(threads)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # weights come from the catalogue, never from a network
    return ResidentWorkbench(store, open_source, find_base, clock, PartialState().device.type, room or Room())
