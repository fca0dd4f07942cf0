"""What every farm promises a person's terminal, wherever its manifests are kept. A subclass brings `farm` and `namespace`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli import farm as farms
from cli.farm import Farm
from cluster import uploads
from jobs.errors import Conflict, ManifestInvalid, NotFound
from tests import builders


class FarmContract:
    """The promises about manifests and uploads."""

    def test_a_manifest_is_kept_as_it_was_declared_and_gets_an_identity(self, farm: Farm, namespace: str) -> None:
        kept = farm.create(_project(namespace))
        assert kept["spec"]["trigger"] == "stblsx"
        metadata = kept["metadata"]
        assert (metadata["name"], metadata["namespace"], metadata["generation"]) == ("stable-socks", namespace, 1)
        assert metadata["uid"]
        assert farm.document("BrandProject", namespace, "stable-socks") == kept

    def test_a_name_is_given_once(self, farm: Farm, namespace: str) -> None:
        farm.create(_project(namespace))
        with pytest.raises(Conflict, match="stable-socks exists"):
            farm.create(_project(namespace))

    def test_what_has_no_name_gets_one(self, farm: Farm, namespace: str) -> None:
        kept = farm.create(_in(namespace, builders.review(projectUid="uid-1")))
        assert kept["metadata"]["name"].startswith("stable-socks-v1-")
        assert len(kept["metadata"]["name"]) == len("stable-socks-v1-") + 5

    def test_all_of_a_kind_are_listed_by_name(self, farm: Farm, namespace: str) -> None:
        for name in ("b-brand", "a-brand"):
            farm.create(_project(namespace, name))
        farm.create(_in(namespace, builders.campaign()))
        listed = farm.documents("BrandProject", namespace)
        assert [one["metadata"]["name"] for one in listed] == ["a-brand", "b-brand"]
        assert {one["kind"] for one in listed} == {"BrandProject"}
        everywhere = [one["metadata"]["namespace"] for one in farm.documents("BrandProject")]
        assert everywhere.count(namespace) == 2

    def test_what_is_not_there_is_not_found(self, farm: Farm, namespace: str) -> None:
        farm.create(_project(namespace, "other-brand"))
        for question in (
            lambda: farm.document("BrandProject", namespace, "nothing"),
            lambda: farm.replace(_project(namespace, "nothing")),
            lambda: farm.delete("BrandProject", namespace, "nothing"),
        ):
            with pytest.raises(NotFound, match="nothing"):
                question()

    def test_a_new_spec_is_a_new_generation_and_the_same_one_is_none(self, farm: Farm, namespace: str) -> None:
        before = farm.create(_project(namespace))
        assert farm.replace(_project(namespace))["metadata"]["generation"] == 1
        after = farm.replace(_project(namespace, recipe={"steps": 400}))
        assert after["spec"]["recipe"]["steps"] == 400
        assert after["metadata"]["generation"] == 2
        assert after["metadata"]["uid"] == before["metadata"]["uid"]

    def test_a_change_of_what_has_moved_on_meanwhile_is_refused(self, farm: Farm, namespace: str) -> None:
        old = farm.create(_project(namespace))
        farm.replace(_project(namespace, recipe={"steps": 400}))
        with pytest.raises(Conflict, match="Somebody else changed"):
            farm.replace(old | {"spec": old["spec"] | {"serve": "v1"}})

    def test_one_field_is_changed_whatever_else_was_written(self, farm: Farm, namespace: str) -> None:
        farm.create(_project(namespace, recipe={"steps": 400}))
        after = farms.change_spec(farm, "BrandProject", namespace, "stable-socks", {"serve": "v1"})
        assert (after["spec"]["serve"], after["spec"]["recipe"]["steps"]) == ("v1", 400)

    def test_what_was_deleted_is_gone(self, farm: Farm, namespace: str) -> None:
        farm.create(_project(namespace))
        farm.delete("BrandProject", namespace, "stable-socks")
        with pytest.raises(NotFound):
            farm.document("BrandProject", namespace, "stable-socks")

    def test_what_breaks_a_rule_is_refused_at_its_field(self, farm: Farm, namespace: str) -> None:
        with pytest.raises(ManifestInvalid, match=r"spec\.recipe\.steps"):
            farm.create(_project(namespace, recipe={"steps": -1}))
        farm.create(_in(namespace, builders.campaign()))
        with pytest.raises(ManifestInvalid, match="looks"):
            farm.replace(_in(namespace, builders.campaign(looks=[{"brand": "olive-oil"}])))

    def test_a_folder_is_uploaded_to_the_same_address_twice(self, farm: Farm, tmp_path: Path) -> None:
        folder = tmp_path / "shots"
        folder.mkdir()
        (folder / "heel.png").write_bytes(b"a picture")
        address = farm.upload(folder)
        assert address.startswith(uploads.UPLOAD)
        assert farm.upload(folder) == address


def _project(namespace: str, name: str = "stable-socks", **spec: Any) -> dict[str, Any]:
    return builders.project(name, namespace, **spec)


def _in(namespace: str, document: dict[str, Any]) -> dict[str, Any]:
    return document | {"metadata": document["metadata"] | {"namespace": namespace}}
