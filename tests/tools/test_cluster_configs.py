"""What the cluster's programs are told keeps to one folder, to one range of addresses, and to the chart's names."""

from __future__ import annotations

import hashlib
import io
import ipaddress
import json
import re
import tarfile
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.helm import kuberay
from tests.tools import build
from tests.tools.cluster import archive, configs, images, objects, places
from tests.tools.cluster.places import ClusterFailed, Node, Place

PLACE = Place(Path("/cluster"))
NODES = [Node(letter) for letter in places.LETTERS]
# The only paths of the machine that a node's programs are pointed to outside the cluster's folder.
SHARED = ("/etc/resolv.conf", "/usr/lib/cni")


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_a_nodes_programs_write_below_its_own_folder_only(node: Node) -> None:
    told = [
        json.loads(configs.kubelet(PLACE, node)),
        json.loads(configs.pod_network(PLACE, node)),
        tomllib.loads(configs.containerd(PLACE, node)),
    ]
    paths = [word.removeprefix("unix://") for word in _words(told) if "/" in word and word.startswith(("/", "unix://"))]
    outside = [path for path in paths if not path.startswith(f"/cluster/{node.name}/")]
    assert len(paths) > len(outside) > 0
    assert [path for path in outside if not path.startswith(SHARED)] == []


def test_no_two_nodes_give_the_same_address() -> None:
    spans = sorted(tuple(ipaddress.IPv4Address(end) for end in node.pods) for node in NODES)
    network = ipaddress.IPv4Network(places.POD_RANGE)
    assert all(first in network and last in network and first < last for first, last in spans)
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    own = {ipaddress.IPv4Address(node.address) for node in NODES}
    assert len(own) == len(NODES)
    assert not any(first <= address <= last for address in own for first, last in spans)


def test_pods_ask_the_name_server_that_the_cluster_has() -> None:
    service, endpoints = objects.name_server()
    assert service["spec"]["clusterIP"] == places.DNS_ADDRESS  # type: ignore[index]
    assert ipaddress.IPv4Address(places.DNS_ADDRESS) in ipaddress.IPv4Network(places.SERVICE_RANGE)
    assert json.loads(configs.kubelet(PLACE, NODES[1]))["clusterDNS"] == [places.DNS_ADDRESS]
    (bound,) = (line.split()[1] for line in configs.corefile(PLACE).splitlines() if line.strip().startswith("bind"))
    assert endpoints["endpoints"] == [{"addresses": [bound]}]


def test_a_claim_without_a_class_finds_a_volume_on_any_node() -> None:
    listed = objects.all_of_them(PLACE)["items"]
    assert isinstance(listed, list)
    (default,) = (one for one in listed if one["kind"] == "StorageClass")
    volumes = [one for one in listed if one["kind"] == "PersistentVolume"]
    assert default["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    assert {volume["spec"]["storageClassName"] for volume in volumes} == {default["metadata"]["name"]}
    folders = [Path(volume["spec"]["local"]["path"]) for volume in volumes]
    assert folders == objects.volume_folders(PLACE)
    assert all(folder.is_relative_to(PLACE.folder) for folder in folders)


def test_an_image_of_one_program_holds_it_and_starts_it(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"the program")
    archive.write(tmp_path / "image.tar", "localhost/pause:1", program)
    with tarfile.open(tmp_path / "image.tar") as packed:
        (manifest,) = json.loads(_read(packed, "manifest.json"))
        config = json.loads(_read(packed, manifest["Config"]))
        (layer,) = (_read(packed, name) for name in manifest["Layers"])
    assert manifest["RepoTags"] == [configs.PAUSE_IMAGE]
    assert config["config"]["Entrypoint"] == ["/pause"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as unpacked:
        assert _read(unpacked, "pause") == b"the program"
        assert unpacked.getmember("pause").mode == 0o755


def test_images_are_called_as_the_chart_asks_for_them() -> None:
    chart = images.ROOT / "helm" / "brandfarm"
    asked = yaml.safe_load((chart / "values.yaml").read_text())["images"]
    version = yaml.safe_load((chart / "Chart.yaml").read_text())["appVersion"]
    assert [images.name(target) for target in images.TARGETS] == [
        f"docker.io/{asked[target]['repository']}:{version}" for target in images.TARGETS
    ]


def test_the_operator_is_of_the_version_that_the_chart_is_held_to() -> None:
    assert kuberay.MODULE.replace("@", " ") in build.tool("kuberay").go_mod()


def test_a_build_takes_the_mirrors_that_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BRANDFARM_IMAGES", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.delenv("GOPROXY", raising=False)
    flags = images.build_flags()
    assert "--build-arg=PIP_INDEX_URL=https://mirror.example/simple" in flags
    assert [flag for flag in flags if "GOPROXY" in flag] == []


def test_whatever_the_dockerfile_copies_decides_whether_an_archive_is_still_good() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (images.ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    tops = {images.ROOT / name for names in copied for name in names.split()}
    seen = set(images.seen_by_a_build())
    assert {images.ROOT / "Dockerfile", images.ROOT / ".dockerignore"} <= seen
    assert [top for top in tops if not any(path.is_relative_to(top) for path in seen)] == []


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ClusterFailed, match="no image called engine in the Dockerfile; there are controller, "):
        images.build("engine")
    with pytest.raises(ClusterFailed, match="no node called node-z: they are node-a to node-h"):
        places.node("node-z")
    with pytest.raises(ClusterFailed, match="at most 8 nodes"):
        places.next_node(NODES)
    assert places.next_node([Node("a"), Node("c")]) == Node("b")


def _words(told: object) -> list[str]:
    if isinstance(told, dict):
        return [word for value in told.values() for word in _words(value)]
    if isinstance(told, list):
        return [word for value in told for word in _words(value)]
    return [str(told)]


def _read(packed: tarfile.TarFile, name: str) -> bytes:
    member = packed.extractfile(name)
    assert member is not None
    return member.read()
