"""Who a manifest is: its metadata, the same on Kubernetes and on a laptop, and what all kinds have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from jobs.manifests import names
from jobs.manifests.part import Broken, Flag, InOrder, Part, Whole, keep

SERVERS_OWN = frozenset({"managedFields", "selfLink", "deletionGracePeriodSeconds"})  # read, never kept


class OwnerReference(Part):
    """The object that this one belongs to; it goes when its owner goes."""

    api_version: str = Field(description="The owner's group and version.")
    kind: str = Field(description="The owner's kind.")
    name: str = Field(description="The owner's name.")
    uid: str = Field(description="The owner's uid.")
    controller: Flag | None = Field(default=None, description="Whether the owner is the one that made this.")
    block_owner_deletion: Flag | None = Field(default=None, description="Whether the owner waits for this to go.")


class ObjectMeta(Part):
    """The manifest's name and place; the farm fills in what a person does not write."""

    name: names.Name | None = Field(default=None, description="Its name, unique for its kind in the namespace.")
    generate_name: names.NamePrefix | None = Field(
        default=None, description="A prefix; the farm adds five characters and so makes the name."
    )
    namespace: names.Name = Field(default="default", description="The studio that it belongs to.")
    uid: str | None = Field(default=None, description="Filled in: this object and no other, also after a deletion.")
    generation: Whole | None = Field(default=None, ge=0, description="Filled in: grows with every change of spec.")
    resource_version: str | None = Field(default=None, description="Filled in: changes with every write.")
    creation_timestamp: names.Timestamp | None = Field(default=None, description="Filled in: when it was created.")
    deletion_timestamp: names.Timestamp | None = Field(default=None, description="Filled in: when it was deleted.")
    labels: Annotated[dict[names.LabelKey, names.LabelValue], InOrder] = Field(
        default_factory=dict, description="Words to find it by."
    )
    annotations: Annotated[dict[names.LabelKey, str], InOrder] = Field(
        default_factory=dict, description="Notes for people and tools."
    )
    owner_references: tuple[OwnerReference, ...] = Field(default=(), description="Whom it belongs to.")
    finalizers: tuple[str, ...] = Field(default=(), description="Who must agree before it goes.")

    @model_validator(mode="before")
    @classmethod
    def _leave_the_servers_own(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if key not in SERVERS_OWN}
        return value

    @model_validator(mode="after")
    def _is_named(self) -> ObjectMeta:
        if self.name is None and self.generate_name is None:
            keep([Broken(("name",), "nothing", f"name: {names.LABEL.expected}")])
        return self


def too_long(metadata: ObjectMeta, longest: int, why: str) -> Iterator[Broken]:
    """A broken rule where a name, or the one that will be made of a prefix, is longer than `longest` characters."""
    texts = (
        ("name", metadata.name, longest),
        ("generateName", metadata.generate_name, longest - names.ADDED_TO_PREFIX),
    )
    for field, name, most in texts:
        if name is not None and len(name) > most:
            yield Broken(("metadata", field), f"{len(name)} characters", f"at most {most} characters, {why}")


class Manifest(Part):
    """What all kinds have in common."""

    api_version: Literal["brandfarm.dev/v1alpha1"] = Field(
        default="brandfarm.dev/v1alpha1", description="The group and version of the farm's manifests."
    )
    metadata: ObjectMeta = Field(description="Its name and place.")

    @property
    def title(self) -> str:
        """How people name it: namespace/name, or namespace/prefix* before it has a name."""
        return f"{self.metadata.namespace}/{self.metadata.name or f'{self.metadata.generate_name}*'}"
