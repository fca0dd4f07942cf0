"""Everything that speaks to a Kubernetes API server; the only door to it."""
