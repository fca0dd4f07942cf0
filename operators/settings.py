"""What the controller is told when it starts: read once from BRANDFARM_* variables, the same as the dispatcher's and a few more."""

from __future__ import annotations

import socket
from pathlib import Path

from pydantic import Field, ValidationError

from cluster import settings
from cluster.farm_home import FarmHome
from jobs.errors import ManifestInvalid
from jobs.plan import LAPTOP_CHUNK


class Settings(settings.Settings):
    """The controller's settings. Without any variable they mean the farm of this person on this machine."""

    dispatcher: str | None = None  # its URL; by default what the home says
    chunk: int = Field(default=LAPTOP_CHUNK, ge=1, le=512)  # shots leased together
    kubernetes: bool = False  # whether the manifests are in a Kubernetes API server; by default in the home's file
    kubeconfig: Path | None = None  # where the controller runs outside of the cluster; by default as kubectl finds it
    context: str = ""  # of that kubeconfig; by default its current one
    namespaces: str = ""  # those that are watched, with commas between; by default all
    lease_namespace: str = ""  # where the lease is by which one of several controllers leads
    lease_name: str = ""  # by default there is no election
    identity: str = Field(default_factory=socket.gethostname)  # by which a controller holds the lease; a pod's name
    # How long most manifests that vanish at once are held before their work is withdrawn; 0: not at all.
    hold_seconds: float = Field(default=3600.0, ge=0.0)
    metrics_port: int = Field(default=0, ge=0, le=65535)  # where it tells its figures and its health; 0: nowhere

    @property
    def watched_namespaces(self) -> tuple[str, ...]:
        """The namespaces that are watched; none means all."""
        return tuple(filter(None, (name.strip() for name in self.namespaces.split(","))))

    @property
    def manifests(self) -> Path:
        """The file that holds the manifests."""
        return FarmHome(self.home).manifests

    @property
    def dispatcher_url(self) -> str:
        """Where the dispatcher is. Raises FarmDown where nobody has said so."""
        return self.dispatcher or FarmHome(self.home).endpoint().dispatcher


def read() -> Settings:
    """The settings of this process. Raises ManifestInvalid, naming the variables that cannot be understood."""
    try:
        return Settings()
    except ValidationError as wrong:
        told = [f"BRANDFARM_{str(one['loc'][0]).upper()}: {one['msg']}" for one in wrong.errors()]
        raise ManifestInvalid("; ".join(told), hint="Correct these environment variables and start again.") from wrong
