"""A terminal to type `brandfarm` verbs into: a farm, a clock that is turned by hand, somebody at the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from cli.farm import Farm
from cli.main import brandfarm
from cli.surroundings import Surroundings


@dataclass(frozen=True)
class Shown:
    """What a verb left: its exit code, its data, its talk."""

    code: int
    out: str
    err: str


@dataclass
class Terminal:
    """Types verbs at a farm. Each pause lets `between` happen and the clock go on."""

    farm: Farm
    user: str = "lead@studio-a"
    between: Callable[[], None] = lambda: None
    keyboard: bool = False
    clock: float = 0.0
    wall: float = 1_800_000_000.0
    pauses: list[float] = field(default_factory=list)
    contexts: list[tuple[str, str]] = field(default_factory=list)  # those that were named, with the farm's namespace

    def type(self, *words: str, columns: int = 80, stdin: str | bytes | None = None, **env: str) -> Shown:
        """Runs one verb to its end."""
        world = Surroundings(
            open_farm=lambda _home: self.farm,
            open_cluster=self._open_cluster,
            pause=self._pause,
            monotonic=lambda: self.clock,
            now=lambda: self.wall,
            user=lambda: self.user,
            has_keyboard=lambda: self.keyboard,
        )
        given: dict[str, Any] = {"COLUMNS": str(columns), "NO_COLOR": "1", "BRANDFARM_DEBUG": "1", **env}
        result = CliRunner(env=given).invoke(brandfarm, list(words), obj=world, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Shown(result.exit_code, result.stdout, result.stderr)

    def _open_cluster(self, context: str, farm_namespace: str) -> Farm:
        self.contexts.append((context, farm_namespace))
        return self.farm

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock += seconds
        self.between()


def lines(text: str) -> list[str]:
    """A screen's lines without the blanks at their ends."""
    return [line.rstrip() for line in text.splitlines()]


def written(folder: Path, name: str, documents: Sequence[dict[str, Any]]) -> str:
    """A file of manifests, as YAML's subset that JSON is; its path."""
    import json

    path = folder / name
    path.write_text("\n---\n".join(json.dumps(document) for document in documents))
    return str(path)
