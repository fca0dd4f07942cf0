"""The contact sheet: gathered from a store, written as a folder that opens from disk, judged, and read back as a Review."""

from cli.sheet.campaign import write_contact
from cli.sheet.data import SheetData
from cli.sheet.folder import FolderRefused
from cli.sheet.gather import gather
from cli.sheet.verdicts import Verdicts, to_review
from cli.sheet.verdicts import read as read_verdicts
from cli.sheet.write import write

__all__ = [
    "FolderRefused",
    "SheetData",
    "Verdicts",
    "gather",
    "read_verdicts",
    "to_review",
    "write",
    "write_contact",
]
