"""Ray's head on one machine, as a command and its environment; started so that a slow machine only makes it slower.

Knows no supervisor. Ray itself is not imported.
"""

from __future__ import annotations

import secrets
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

NOT_SERVED = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port")
_STORE_PORT = "gcs_server_port_"
OUR_PORTS = range(20_000, 30_000)  # Linux gives out ports from 32768 on, others from 49152; Kubernetes from 30000
AGENT_SECONDS = 600  # Ray's agents are Python processes; a busy machine takes a minute and more to import them


def command(*, port: int, cpus: int, folder: Path) -> list[str]:
    """`ray start` without what nobody here reads: no dashboard, no autoscaler, no monitor that forwards workers' words."""
    return [
        str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--disable-usage-stats",
        "--include-dashboard=false", "--include-log-monitor=false", "--no-monitor", f"--port={port}",
        f"--num-cpus={cpus}", "--node-ip-address=127.0.0.1", f"--temp-dir={folder}",
    ]  # fmt: skip


def begin(folder: Path) -> list[str]:
    """What a start adds to the command; what an earlier head said is forgotten.

    The port of the one agent that serves is given, so that the raylet does not wait until the agent has written it down.
    """
    _mark(folder).unlink(missing_ok=True)
    return [f"--runtime-env-agent-port={free_ports(1)[0]}"]


def answer_for_agents(folder: Path) -> None:
    """Says for the dashboard's agent which ports it serves, none, as it does itself once it is awake. To be called again and again.

    A raylet waits 15 s for each of these files and aborts then; no setting makes that longer, and a busy machine needs more to
    import the agent. The head's node is known by the file that the control store leaves before the raylet starts.
    """
    for known in (folder / "session_latest").glob(f"{_STORE_PORT}*"):
        answer_for_agents_of(known.name.removeprefix(_STORE_PORT), folder)


def answer_for_agents_of(node: str, folder: Path) -> None:
    """The same for one node, by its id."""
    for name in NOT_SERVED:
        _write_once(folder / "session_latest" / f"{name}_{node}", "-1")


HEALTH = {"RAY_health_check_period_ms": "2000", "RAY_health_check_failure_threshold": "3"}
"""A dead node is known after 6 s (Ray's own: 15): its port refuses at once. One that is only slow still has 10 s an answer."""


def environment(*, token: str, folder: Path) -> dict[str, str]:
    """What Ray's processes read, beside their command."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TMPDIR": str(folder),
        "RAY_agent_register_timeout_ms": str(AGENT_SECONDS * 1000),
        **HEALTH,
    }


def is_up(folder: Path) -> bool:
    """Whether the head's own node has registered. Its port answers long before, and also where the node is lost."""
    return _mark(folder).exists()


def free_ports(count: int) -> list[int]:
    """Ports of this machine alone that nobody has now, and that no system gives to whoever asks for just any."""
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < count:
            port = secrets.choice(OUR_PORTS)
            with suppress(OSError):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
                ports.append(port)
    return ports


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all, since its reader waits for it to appear."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}")
        temporary.write_text(text)
        temporary.rename(path)


def _mark(folder: Path) -> Path:
    """`ray start` writes the head's address into it once its node has registered."""
    return folder / "ray_current_cluster"
