"""What a verb finds around it: the farm of a home or a context, the clock, who asks. Passed in, so that tests bring their own."""

from __future__ import annotations

import getpass
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.errors import FarmError

if TYPE_CHECKING:
    from cli.farm import Farm


def open_local(home: Path) -> Farm:
    """The farm of a folder on this machine; nothing is started."""
    from cli.local_farm import LocalFarm

    return LocalFarm(home)


def open_cluster(context: str, farm_namespace: str) -> Farm:
    """The farm behind a kube context; its connections are closed when the verb has ended."""
    from cli.kube_farm import KubeFarm  # the cluster's client takes a second: only for those who use it

    farm = KubeFarm(context, farm_namespace, environment=dict(os.environ))
    click.get_current_context().call_on_close(farm.close)
    return farm


def login_name() -> str:
    """Who sits at this terminal, in the letters that a review's `by` may have. Raises FarmError where nobody knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError) as unknown:
        raise FarmError("This user has no login name.", hint="Set USER to the name to review under.") from unknown
    return re.sub(r"[^A-Za-z0-9._@:+/-]", "-", name).lstrip("._@:+/-") or "somebody"


@dataclass(frozen=True)
class Surroundings:
    """The world, as a verb asks for it. `pause` and `monotonic` are in seconds, `now` in seconds since 1970."""

    open_farm: Callable[[Path], Farm] = open_local
    open_cluster: Callable[[str, str], Farm] = open_cluster
    pause: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    user: Callable[[], str] = login_name
    has_keyboard: Callable[[], bool] = lambda: sys.stdin.isatty()


def current() -> Surroundings:
    """Those of the verb that runs now."""
    found = click.get_current_context().find_object(Surroundings)
    return found or Surroundings()
