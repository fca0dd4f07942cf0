"""A recorder for a farm without a Kubernetes: what befell a manifest becomes a line of the log."""

from __future__ import annotations

from typing import Any, Literal

import structlog

log = structlog.get_logger("controller")


class LogRecorder:
    """The Recorder port over the log."""

    async def tell(
        self, document: dict[str, Any], kind: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        """One line: which manifest, what befell it, in which words."""
        metadata = document["metadata"]
        fields = {"manifest": document["kind"], "namespace": metadata["namespace"], "name": metadata["name"]}
        say = log.info if kind == "Normal" else log.warning
        say("befell", reason=reason, told=message, **fields)
