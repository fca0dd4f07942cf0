"""How a process gets at a cluster: a pod by its service account, a person by a kubeconfig and one of its contexts.

The library reads the credentials; this module asks it again every minute, so that short-lived tokens stay fresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import kube_config
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.incluster_config import InClusterConfigLoader

from jobs.errors import ContextUnknown

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
FRESH_SECONDS = 60.0


class Access(Protocol):
    """Credentials for one cluster."""

    configuration: Configuration
    namespace: str  # where things go that name no namespace; known after `refresh`

    async def refresh(self) -> None:
        """Read the credentials anew where they may have aged. Raises ContextUnknown."""


class PodAccess:
    """The service account that Kubernetes mounts into a pod."""

    def __init__(self, mounted: Path = SERVICE_ACCOUNT) -> None:
        self.configuration, self.namespace = _configuration(), "default"
        self._mounted, self._is_loaded = mounted, False

    async def refresh(self) -> None:
        """Read what is mounted, once; the library reads the token again every minute."""
        if self._is_loaded:
            return
        try:
            loader = InClusterConfigLoader(str(self._mounted / "token"), str(self._mounted / "ca.crt"))
            loader.load_and_set(self.configuration)
            self.namespace = (self._mounted / "namespace").read_text().strip()
        except (ConfigException, OSError) as missing:
            raise ContextUnknown(
                f"This process should run in a pod, and finds no service account in {self._mounted}: {missing}",
                hint="Outside a cluster, name a kubeconfig and a context.",
            ) from missing
        self._is_loaded = True


class KubeconfigAccess:
    """A context of a kubeconfig; without a path that of `KUBECONFIG`, without a context the current one."""

    def __init__(
        self, path: Path | None = None, context: str = "", *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.configuration, self.namespace = _configuration(), "default"
        self._path = str(path) if path else kube_config.KUBE_CONFIG_DEFAULT_LOCATION
        self._context, self._monotonic = context, monotonic
        self._read_at = float("-inf")

    async def refresh(self) -> None:
        """Read the kubeconfig, at most once a minute; a plugin that it names is asked when its token has aged."""
        if self._monotonic() - self._read_at < FRESH_SECONDS:
            return
        self._require_a_file()
        try:
            loader = await kube_config.load_kube_config(
                self._path, self._context or None, self.configuration, persist_config=False
            )
        except (ConfigException, KeyError, TypeError, ValueError) as wrong:
            raise ContextUnknown(
                f"The kubeconfig {self._path} does not say how to reach {self._context or 'its current context'}: {wrong}",
                hint="`kubectl config get-contexts` lists the contexts; choose one with --context.",
            ) from wrong
        self.namespace = loader.current_context["context"].get("namespace") or "default"
        self._read_at = self._monotonic()

    def _require_a_file(self) -> None:
        separator = kube_config.ENV_KUBECONFIG_PATH_SEPARATOR
        if not any(Path(one).expanduser().is_file() for one in self._path.split(separator) if one):
            raise ContextUnknown(
                f"There is no kubeconfig at {self._path}.",
                hint="Set KUBECONFIG, or ask whoever runs the cluster for a kubeconfig.",
            )


def _configuration() -> Configuration:
    configuration = Configuration()
    # Chain and host name are verified as ever. The pedantry that Python 3.13 adds would refuse the certificates that
    # kubeadm and several providers sign without an authority key identifier, and that kubectl takes.
    configuration.disable_strict_ssl_verification = True
    return configuration
