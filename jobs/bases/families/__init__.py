"""What differs between families of foundation models: how prompts are encoded, and how the UNet is told of them.

A family is one module beside this one, its entry here, in `loading` and in `detect`; nothing else asks for a family by name.
"""

from __future__ import annotations

from jobs.bases.families.family import Family
from jobs.bases.families.sd15 import SD15
from jobs.bases.families.sdxl import SDXL
from jobs.bases.loading import Base

FAMILIES: dict[str, Family] = {"sd15": SD15(), "sdxl": SDXL()}


def of(base: Base) -> Family:
    """The family of a loaded base."""
    return FAMILIES[base.family]
