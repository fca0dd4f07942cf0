"""Which version campaigns get, before and after. Pure."""

from __future__ import annotations

from cli.judging import Served
from cli.output import Answer
from cli.views import deeds


def answer(name: str, served: Served) -> Answer:
    """A change of what serves, in all its forms."""
    if served.before == served.after:
        deed = deeds.Deed(f"brandproject/{name}", "unchanged", f"serve was {served.after} already.", served.project)
    else:
        change = f"serve {served.before} -> {served.after}"
        deed = deeds.Deed(f"brandproject/{name}", change, "The next campaign follows.", served.project)
    return deeds.answer([deed])
