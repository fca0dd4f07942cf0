"""The whole of it: a real cluster of two nodes, images of our Dockerfile, the chart, KubeRay, two brands and a campaign. `make e2e`."""
