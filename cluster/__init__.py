"""Where and when work happens; every door to the outside world."""
