"""A whole Kubernetes cluster on one Linux machine, for the end-to-end tests and for people: `python -m tests.tools.cluster up`.

Real parts throughout: etcd, the control plane, kubelets with containerd and runc, kube-proxy, CoreDNS, the KubeRay operator.
`life` brings it up and takes it down, `nodes` freezes and loses a node, `images` builds what its pods run.
"""
