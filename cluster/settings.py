"""What the dispatcher is told when it starts: read once from BRANDFARM_* variables; below main nothing reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cluster.farm_home import FarmHome, default_home
from cluster.wishes import Group, Patience
from jobs.errors import ManifestInvalid, Unauthorized

RESIDENT_TO_ROWS = 4
"""So many trainings for each that steps, so that there are enough of one shape to step together, and the next are prepared."""


class Settings(BaseSettings):
    """The dispatcher's settings. Without any variable they mean the farm of this person on this machine."""

    model_config = SettingsConfigDict(env_prefix="BRANDFARM_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=default_home)
    store: SecretStr | None = None  # the store's address, which may hold credentials; by default the home's
    store_access_key: SecretStr | None = None
    store_secret_key: SecretStr | None = None
    token_file: Path | None = None  # by default the home's
    host: str = "127.0.0.1"
    port: int = Field(default=8265, ge=0, le=65535)
    metrics_open: bool = False  # whether figures are told without the token
    ray_address: str = "auto"
    ray_namespace: str = "brandfarm"
    threads: int = Field(default=1, ge=1)  # torch's, per worker
    batch: int = Field(default=8, ge=1)  # images that a worker draws at once
    rows: int = Field(default=8, ge=1)  # trainings that step together on a worker
    resident: int | None = Field(default=None, ge=1)  # trainings that a worker holds; by default four times the rows
    bases: Path | None = None  # where workers keep base models; by default each in its own machine's XDG cache
    groups: dict[str, Group] = {}  # pods that the farm may ask for, as JSON by name; without any it asks for none
    clear_seconds: float = Field(default=600.0, gt=0)  # so soon should what waits have been begun
    keep_seconds: float = Field(default=300.0, ge=0)  # so long workers are kept after they were needed
    idle_seconds: float = Field(default=60.0, ge=0)  # so long a worker must have been idle before it is given back
    ray_patience: float = Field(default=0.0, ge=0)  # seconds for which a head that is not up yet is waited for
    workbench: str = "cluster.bench:open_workbench"  # module:function that opens it, in each worker's process

    @property
    def store_address(self) -> str:
        """Where the store is, credentials included: what workers are given too."""
        address = self.store.get_secret_value() if self.store else FarmHome(self.home).store_url()
        parts = urlsplit(address)
        if not (self.store_access_key and self.store_secret_key) or "://" not in address or parts.username:
            return address
        keys = [quote(key.get_secret_value(), safe="") for key in (self.store_access_key, self.store_secret_key)]
        return parts._replace(netloc=f"{keys[0]}:{keys[1]}@{parts.netloc}").geturl()

    def token(self) -> str:
        """The token that callers must show. Raises Unauthorized where there is none: an open dispatcher is never started."""
        path = self.token_file or FarmHome(self.home).token_file
        token = path.read_text().strip() if path.is_file() else ""
        if not token:
            raise Unauthorized(
                f"There is no token in {path}.",
                hint="`brandfarm up` makes one; on Kubernetes it is mounted from a Secret.",
            )
        return token

    @property
    def patience(self) -> Patience:
        """How soon workers are asked for, and how long they are kept."""
        return Patience(clear=self.clear_seconds, keep=self.keep_seconds, idle=self.idle_seconds)

    @property
    def workbench_options(self) -> dict[str, Any]:
        """What every worker opens its workbench with."""
        resident = self.resident or RESIDENT_TO_ROWS * self.rows
        room = {"batch": self.batch, "rows": self.rows, "resident": resident}
        chosen = {"store": self.store_address, "threads": self.threads, **room}
        return chosen | ({"bases": str(self.bases)} if self.bases else {})


def read() -> Settings:
    """The settings of this process. Raises ManifestInvalid, naming the variables that cannot be understood."""
    try:
        return Settings()
    except ValidationError as wrong:
        told = [f"BRANDFARM_{str(one['loc'][0]).upper()}: {one['msg']}" for one in wrong.errors()]
        raise ManifestInvalid("; ".join(told), hint="Correct these environment variables and start again.") from wrong
