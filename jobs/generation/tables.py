"""The colour look-up tables that recipes ask for, read from the store once. Applies none."""

from __future__ import annotations

from jobs import blobs, cube
from jobs.errors import RecipeInvalid
from jobs.finish_steps import Lut
from jobs.finishing import lut
from jobs.ports import ObjectStore
from jobs.shots import Recipe


class Tables:
    """Tables by their source, `lut://<digest>`. A table of 65 points a side is 6.6 MB; a farm knows a few looks."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.kept: dict[str, lut.Table] = {}

    def fetch(self, recipe: Recipe) -> None:
        """Have a recipe's tables here. Raises RecipeInvalid where one cannot be read, KeyNotFound, Corrupt, StoreUnavailable."""
        for step in recipe.finish:
            if step.lut is not None and step.lut.source not in self.kept:
                self.kept[step.lut.source] = self._read(step.lut)

    def _read(self, step: Lut) -> lut.Table:
        if step.digest is None:
            raise RecipeInvalid(
                f"The finish names {step.source}, a file of somebody's machine.",
                hint="`brandfarm apply` uploads it and writes its address in its place.",
            )
        return lut.Table.of(cube.parse(blobs.get(self._store, step.digest), step.source))
