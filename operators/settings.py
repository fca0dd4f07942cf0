"""What the controller is told when it starts: read once, from the environment and the command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.farm_home import FarmHome, default_home
from jobs.errors import FarmDown
from jobs.plan import LAPTOP_CHUNK


@dataclass(frozen=True)
class Settings:
    """Where the manifests, the store and the dispatcher are; `chunk` in shots."""

    home: FarmHome
    store: str = field(repr=False)  # may hold credentials
    dispatcher: str
    token: str = field(repr=False)
    chunk: int = LAPTOP_CHUNK


def read(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process: options before BRANDFARM_* variables before what the home says. Raises FarmDown."""
    asked = _parser().parse_args(arguments)
    home = FarmHome(asked.home or Path(environment.get("BRANDFARM_HOME") or default_home()).expanduser())
    token_file = Path(environment.get("BRANDFARM_TOKEN_FILE") or home.token_file)
    if not token_file.exists():
        raise FarmDown(
            f"There is no token at {token_file}.", hint="Start the farm with `brandfarm up`, which makes one."
        )
    return Settings(
        home=home,
        store=asked.store or environment.get("BRANDFARM_STORE") or home.store_url(),
        dispatcher=asked.dispatcher or environment.get("BRANDFARM_DISPATCHER") or home.endpoint().dispatcher,
        token=token_file.read_text().strip(),
        chunk=asked.chunk,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operators.main", description="The controller of a farm.")
    parser.add_argument("--home", type=Path, help="the farm's folder (BRANDFARM_HOME)")
    parser.add_argument("--store", help="the store's address (BRANDFARM_STORE)")
    parser.add_argument("--dispatcher", help="the dispatcher's URL (BRANDFARM_DISPATCHER)")
    parser.add_argument("--chunk", type=int, default=LAPTOP_CHUNK, help="shots leased together")
    return parser
