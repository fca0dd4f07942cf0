"""A person's terminal: parses, asks the farm, shows the answer."""
