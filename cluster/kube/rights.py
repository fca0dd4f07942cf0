"""What a person is and may do, as the API server itself says: it is asked, nothing is tried out."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.kube.client import KubeClient

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@dataclass(frozen=True)
class Right:
    """A verb on a resource, such as create reviews.brandfarm.dev; `name` where only one object is meant."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        return (
            f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}{f' {self.name}' if self.name else ''}"
        )


async def may(client: KubeClient, right: Right) -> bool:
    """Whether the person who asks has a right."""
    resource, _, below = right.resource.partition("/")
    asked = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": below,
        "namespace": right.namespace,
        "name": right.name,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
    }
    return bool((await client.create(REVIEWS, review))["status"]["allowed"])


async def who(client: KubeClient) -> str:
    """The name under which the API server knows the person who asks."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    return str((await client.create(WHO, review))["status"]["userInfo"]["username"])
