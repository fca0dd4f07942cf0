"""What a farm on one machine keeps, and where: its folder by XDG, endpoint, token, logs. Starts nothing."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from jobs.errors import FarmDown

APPLICATION = "brandfarm"


def default_home() -> Path:
    """`BRANDFARM_HOME`, or the XDG data folder."""
    named = os.environ.get("BRANDFARM_HOME")
    if named:
        return Path(named).expanduser()
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / APPLICATION


def default_bases() -> Path:
    """Where the workers of a machine keep base models, by digest, for all farms of this person: in the XDG cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / APPLICATION / "bases"


@dataclass(frozen=True)
class Endpoint:
    """How to reach a running farm. `store` is its address without credentials, for people; pid is the supervisor's.

    `version` is the release that runs, empty where it was of a release that did not say.
    """

    dispatcher: str
    ray: str
    store: str
    pid: int
    started: float
    version: str = ""


@dataclass(frozen=True)
class FarmHome:
    """The folder of one farm on one machine."""

    root: Path

    @property
    def manifests(self) -> Path:
        return self.root / "farm.sqlite"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def store_mark(self) -> Path:
        """Stands once the store has been opened: from then on a store that is missing is gone, not new."""
        return self.root / "store.opened"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def lock(self) -> Path:
        return self.root / "farm.lock"

    @property
    def children(self) -> Path:
        """The processes that the supervisor started, so that a later one finds what a crash left behind."""
        return self.root / "children.json"

    @property
    def endpoint_file(self) -> Path:
        return self.root / "endpoint.json"

    @property
    def secret_store(self) -> Path:
        """The store's address with its credentials, mode 0600; absent where the store is the folder."""
        return self.root / "store.url"

    @property
    def token_file(self) -> Path:
        return self.root / "token"

    def prepare(self) -> None:
        """Make the folders, mode 0700; the store is made by whoever opens it first."""
        for folder in (self.root, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def token(self) -> str:
        """The farm's token, made on first use, readable by its owner only."""
        if not self.token_file.exists():
            write_secret(self.token_file, secrets.token_hex(32))
        return self.token_file.read_text().strip()

    def store_url(self) -> str:
        """The address of the farm's store, credentials included."""
        return self.secret_store.read_text().strip() if self.secret_store.exists() else str(self.store)

    def endpoint(self) -> Endpoint:
        """How to reach the farm. Raises FarmDown where none has said that it is ready."""
        try:
            return _endpoint(json.loads(self.endpoint_file.read_text()))
        except (FileNotFoundError, ValueError, TypeError, AttributeError) as missing:
            raise FarmDown(
                f"No farm runs in {self.root}.", hint="Start one with `brandfarm up`, or name its folder with --home."
            ) from missing

    def announce(self, endpoint: Endpoint) -> None:
        """Say that the farm is ready, in one atomic write."""
        write_secret(self.endpoint_file, json.dumps(asdict(endpoint)))

    def withdraw(self) -> None:
        """Say that no farm runs here any more."""
        self.endpoint_file.unlink(missing_ok=True)


def _endpoint(told: dict[str, Any]) -> Endpoint:
    """What a farm said, also one of a newer release that says more."""
    known = {field.name for field in fields(Endpoint)}
    return Endpoint(**{name: value for name, value in told.items() if name in known})


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
