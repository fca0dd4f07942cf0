"""A small studio in a folder store: one brand with versions, drawn sheets, references and a training, ready to be gathered."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

from PIL import Image

from jobs import blobs, identity, keys, manifests, plan, publish
from jobs.manifests import BrandProject
from jobs.ports import ObjectStore
from jobs.records import DatasetRecord, ImageRecord, Picture, Sample, TrainRecord, VersionRecord
from jobs.shots import Plan, Recipe
from tests import builders

Draw = Callable[[Recipe], bytes]
DATASET = builders.digest("dataset of the studio")
TAGS = ["oversaturated", "product-inconsistent"]
PALETTE = ["#5B3A29", "#C9A27E"]
FINISH = [{"colour": {"contrast": -20.0, "saturation": -10.0}}, {"grain": {"power": 0.2}}]


def flat(recipe: Recipe) -> bytes:
    """A PNG of one colour, another one for every recipe."""
    return png(*hashlib.sha256(recipe.hash.encode()).digest()[:3])


def png(red: int, green: int, blue: int, side: int = 8) -> bytes:
    """A PNG of one colour."""
    kept = io.BytesIO()
    Image.new("RGB", (side, side), (red, green, blue)).save(kept, "PNG")
    return kept.getvalue()


class Studio:
    """Fills a store as the farm would; `project` is the brand's document with its status."""

    def __init__(self, store: ObjectStore, draw: Draw = flat, name: str = "stable-socks", **spec: Any) -> None:
        self.store, self.draw = store, draw
        judge = {
            "prompts": ["a photo of a stblsx sock on a beach", "a photo of a stblsx sock at night"],
            "seeds": [7, 21],
            "palette": PALETTE,
            "tags": TAGS,
        }
        self.document = builders.kept(builders.project(name, **({"judge": judge, "finish": FINISH} | spec)))
        self.document["status"] = {"versions": [], "dataset": {"id": DATASET, "images": 3}}

    @property
    def project(self) -> BrandProject:
        """The brand as a model."""
        model = manifests.parse(self.document)
        assert isinstance(model, BrandProject)
        return model

    def references(self, *captions: str, draw: Callable[[int], bytes] | None = None) -> Studio:
        """Pictures that the brand is learned from."""
        drawn = draw or (lambda number: png(number, 80, 120))
        listed = []
        for number, caption in enumerate(captions):
            data = drawn(number)
            digest = blobs.put(self.store, data)
            listed.append(Picture(image=digest, pixels=digest, width=64, height=64, caption=caption).model_dump())
        pictures = blobs.put_json(self.store, listed)
        body = DatasetRecord(id=DATASET, pictures=pictures, count=len(listed))
        publish.record(self.store, keys.dataset(DATASET), body.model_dump(exclude={"writeId"}))
        return self

    def version(self, number: int = 1, state: str = "trained", skipped: int = 0, **fields: Any) -> Plan:
        """A trained version with its sheet drawn, all but the last `skipped` shots; `fields` replace those of its training."""
        version = self._version_record(number, fields.pop("recipe", {}))
        self._train_record(version, fields)
        sheet = plan.sheet_plan(self.project, version, adapter=builders.digest(f"adapter {number}"))
        for shot in sheet.shots(0, sheet.count - skipped):
            self.keep(shot.recipe)
            self.keep(shot.recipe.raw())
        digest = blobs.put(self.store, plan.plan_json(sheet))
        status = {"version": f"v{number}", "state": state, "asked": version.asked, "sheet": digest}
        self.document["status"]["versions"].append(status | {"trained": "2027-01-15T08:05:00Z"})
        return sheet

    def keep(self, recipe: Recipe) -> str:
        """An image as the generator keeps it; its digest."""
        data = self.draw(recipe)
        digest = blobs.put(self.store, data)
        body = ImageRecord(recipe_hash=recipe.hash, recipe=recipe, digest=digest, size=len(data), numerics="test")
        publish.record(self.store, keys.image(recipe.hash), body.model_dump(mode="json"), blobs=[digest])
        return digest

    def _version_record(self, number: int, recipe: dict[str, Any]) -> VersionRecord:
        recipe = {"steps": 300, **recipe}
        return builders.version_record(number, dataset=DATASET, recipe=recipe)

    def _train_record(self, version: VersionRecord, fields: dict[str, Any]) -> None:
        losses = [[step, 1.0 / (1 + step / 40)] for step in range(1, version.recipe.steps + 1)]
        samples = [self._sample(version, step, prompt) for step in (100, 200, 300) for prompt in self._prompts()]
        body = {
            "asked": version.asked,
            "dataset": version.dataset,
            "base": version.base,
            "trigger": version.trigger,
            "recipe": version.recipe.model_dump(mode="json"),
            "adapter": builders.digest(f"adapter {version.number}"),
            "rank": version.recipe.rank,
            "targets": ["to_q"],
            "final_loss": losses[-1][1],
            "losses": blobs.put_json(self.store, losses),
            "samples": blobs.put_json(self.store, samples),
            "seconds": 61.0,
        }
        record = TrainRecord.model_validate(body | fields)
        publish.record(self.store, keys.train(version.asked), record.model_dump(mode="json", exclude={"writeId"}))

    def _prompts(self) -> tuple[str, ...]:
        return self.project.spec.judge.prompts

    def _sample(self, version: VersionRecord, step: int, prompt: str) -> dict[str, Any]:
        recipe = Recipe(
            base=version.base, prompt=f"{prompt} (step {step} of v{version.number})", seed=7, width=64, height=64
        )
        data = self.draw(recipe)
        return Sample(step=step, prompt=prompt, seed=7, image=blobs.put(self.store, data)).model_dump()


def lose(store: ObjectStore, digest: str) -> None:
    """The store loses a blob."""
    store.delete(keys.blob(identity.Digest(digest)))
