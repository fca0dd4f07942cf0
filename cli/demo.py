"""The demo: a newcomer's first farm, one verb of the command line after another, and what came of it in numbers.

Every step is the command that a person would type, carried out as such. Knows no store and no tensors.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster import store_url
from jobs.errors import FarmError, NotFound

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMESPACE = "studio-a"
LEAD, OTHER, CAMPAIGN = "stable-socks", "harbour-mugs", "spring-nightly"
NEEDS_APPROVAL, DETACHED = 7, 130

Say = Callable[[str], None]


@dataclass
class Demo:
    """A demo in a folder: the farm's home and everything that it makes for a person stand under it."""

    folder: Path
    say: Say
    store: str | None = None
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "farm"

    def run(self) -> None:
        """From nothing to a judged sheet and a campaign's pictures. Raises FarmError where a step fails."""
        manifests = [_example(f"{LEAD}/brand.yaml"), _example(f"{OTHER}/brand.yaml"), _example(f"{CAMPAIGN}.yaml")]
        self._do("start the farm", "up", *(["--store", self.store] if self.store else []))
        self._do("hand it two brands and a campaign", "apply", *(word for path in manifests for word in ("-f", path)))
        self._do("both brands train together", "wait", OTHER, "--timeout", "20m")
        self._do("the first waits for somebody's word", "wait", LEAD, "--timeout", "20m", allowed=(0, NEEDS_APPROVAL))
        for brand in (LEAD, OTHER):
            self._do("write its contact sheet", "sheet", brand, "--to", str(self.folder / "sheets" / brand))
        self._do("the creative lead approves", "approve", LEAD, "v1", "--note", "the zigzag holds in every place")
        self._do("the campaign fills", "wait", f"campaign/{CAMPAIGN}", "--timeout", "20m")
        self._do("take the pictures home", "campaign", "pull", CAMPAIGN, "--to", str(self.folder / "images" / CAMPAIGN))
        self._do("how it stands", "status")

    def down(self) -> None:
        """Stop the farm; what it made stays."""
        self._do("stop the farm", "down")

    def _do(self, why: str, verb: str, *words: str, allowed: Sequence[int] = (0,)) -> None:
        space = [] if verb in ("up", "down", "apply") else ["-n", NAMESPACE]
        command = [verb, *words, *space, "--home", str(self.home)]
        self.say(f"{why}\n$ brandfarm {shlex.join(self.shown(word) for word in command)}")
        began = time.monotonic()
        # What the verbs say is talk here: the demo's own answer is the figures.
        done = subprocess.run([sys.executable, "-P", "-m", "cli", *command], check=False, stdout=sys.stderr)
        self.timings[why] = self.timings.get(why, 0.0) + time.monotonic() - began
        if done.returncode == DETACHED:
            raise KeyboardInterrupt
        if done.returncode not in allowed:
            raise FarmError(
                f"The demo stopped: `brandfarm {verb}` ended with {done.returncode}.",
                hint=f"Its logs are in {self.home / 'logs'}; `brandfarm down --home {self.home}` stops the farm.",
            )

    def shown(self, word: str) -> str:
        """A word as a screen and a log may show it: the store's address without its keys."""
        return str(store_url.parse(word)) if word == self.store else word


def _example(name: str) -> str:
    path = EXAMPLES / name
    if not path.exists():
        raise NotFound(
            f"The example {name} is not here.", hint="Run the demo from a checkout of brandfarm: `make demo`."
        )
    return str(path)
