"""What every test shares: the GPU's tests are collected only when they are asked for by path."""

from __future__ import annotations

import sys

collect_ignore_glob: list[str] = [] if any("gpu" in argument for argument in sys.argv) else ["gpu/*", "bench/*"]
