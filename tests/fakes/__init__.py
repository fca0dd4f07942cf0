"""Fakes shipped as modules, held to the contracts of the real things."""
