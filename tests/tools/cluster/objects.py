"""What the cluster holds from the start: its name server, volumes made in advance, and their class. Pure."""

from __future__ import annotations

from pathlib import Path

from tests.tools.cluster import places
from tests.tools.cluster.places import Place

Object = dict[str, object]
DNS_PORTS: list[Object] = [
    {"name": "dns", "port": 53, "protocol": "UDP"},
    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
]


def all_of_them(place: Place) -> Object:
    """One list for one apply."""
    return {"apiVersion": "v1", "kind": "List", "items": [*name_server(), storage_class(), *volumes(place)]}


def name_server() -> list[Object]:
    """CoreDNS is a program on the machine: the Service has no selector, its only endpoint is the bridge's address."""
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {"clusterIP": places.DNS_ADDRESS, "ports": DNS_PORTS},
    }
    endpoints: Object = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns-1",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "addressType": "IPv4",
        "ports": DNS_PORTS,
        "endpoints": [{"addresses": [places.FIRST.address]}],
    }
    return [service, endpoints]


def storage_class() -> Object:
    """The default; nothing is provisioned, the volumes below are there and are bound when a pod wants one."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def volume_folders(place: Place) -> list[Path]:
    """One per volume."""
    return [place.volumes / f"volume-{number:02}" for number in range(1, places.VOLUMES + 1)]


def volumes(place: Place) -> list[Object]:
    """Folders that every node reaches, as a disk in the network would be; their size is a word, nothing is held to it."""
    return [_volume(folder) for folder in volume_folders(place)]


def _volume(folder: Path) -> Object:
    on_any_node = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "Exists"}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": folder.name},
        "spec": {
            "storageClassName": "local",
            "capacity": {"storage": places.VOLUME_SIZE},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [on_any_node]}},
        },
    }
