"""The controller: watches manifests and brings the farm to what they ask."""
