"""`python -m tests.tools.cluster packages|up|down|status|node add|image TARGET|load IMAGE.tar`: a real cluster by hand."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.tools import build
from tests.tools.cluster import images, life, machine, places
from tests.tools.cluster.places import ClusterFailed

EXAMPLES = """\
  packages                    installs the Debian packages that all of it takes
  up                          two nodes, ready for pods and RayClusters; prints the kubeconfig's path
  image controller minio      builds these targets of the Dockerfile; prints the archives' paths
  load controller.tar         its images, for the pods of every node (or --node node-a)
  status                      programs, nodes, pods
  node freeze node-b          stands still until `node thaw node-b`; `node lose node-b` pulls its plug
  down                        stops everything and leaves nothing behind
"""


def main() -> None:
    """Exits with a sentence where something failed."""
    given = _parser().parse_args()
    try:
        given.do(given)
    except (ClusterFailed, build.BuildFailed) as failed:
        raise SystemExit(str(failed)) from failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.cluster",
        description="A real Kubernetes cluster on this machine, for tests and for trying things out. Needs root.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _verb(verbs, "packages", "install what is missing of Debian", lambda given: machine.install_packages())
    up = _verb(verbs, "up", "bring a cluster up", _up)
    up.add_argument("--nodes", type=int, default=2, help="how many (default 2)")
    up.add_argument(
        "--free-gib", type=int, default=machine.FREE_GIB, help="disk to ask for; less without the worker's image"
    )
    _verb(verbs, "down", "take it down", lambda given: life.down(places.default()))
    _verb(verbs, "status", "programs, nodes, pods", _status)
    node = _verb(verbs, "node", "one more node, or a fault of one", _node)
    node.add_argument("what", choices=["add", "freeze", "thaw", "lose"])
    node.add_argument("name", nargs="?", default="", help="which, for all but add")
    image = _verb(verbs, "image", "build targets of the Dockerfile", _image)
    image.add_argument("targets", nargs="+", choices=images.TARGETS)
    load = _verb(verbs, "load", "an image for the nodes' pods", _load)
    load.add_argument("archive", type=Path, metavar="IMAGE.tar")
    load.add_argument("--node", default="", help="only this one")
    return parser


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help: str,
    do: Callable[[argparse.Namespace], None],
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=help, description=help)
    verb.set_defaults(do=do)
    return verb


def _up(given: argparse.Namespace) -> None:
    begun = time.monotonic()
    cluster = life.up(places.default(), given.nodes, given.free_gib)
    print(cluster.kubeconfig, flush=True)
    print(f"The cluster is up after {time.monotonic() - begun:.0f} s. Try it:", file=sys.stderr)
    print(f"$ {build.binary('kubectl')} --kubeconfig {cluster.kubeconfig} get nodes", file=sys.stderr)


def _status(given: argparse.Namespace) -> None:
    print("\n".join(life.status(places.default())))


def _node(given: argparse.Namespace) -> None:
    cluster = life.found(places.default())
    if given.what == "add":
        print(cluster.add_node().name)
        return
    {"freeze": cluster.freeze, "thaw": cluster.thaw, "lose": cluster.lose}[given.what](given.name)


def _image(given: argparse.Namespace) -> None:
    for target in given.targets:
        print(images.build(target), flush=True)


def _load(given: argparse.Namespace) -> None:
    life.found(places.default()).load(given.archive, given.node)


if __name__ == "__main__":
    main()
