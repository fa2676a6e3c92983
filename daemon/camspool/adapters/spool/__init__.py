"""The folders: requests in drop/, statuses and MP4s in mirror/, the markers that identify a mounted folder.

Nothing else in the program writes to a final path below these folders.
"""

from camspool.adapters.spool.dropping import move_back, put, withdraw
from camspool.adapters.spool.durable import replace_file
from camspool.adapters.spool.folder_registry import AlreadyRunning, FolderRegistry
from camspool.adapters.spool.markers import AnotherFolder, MarkedFolder
from camspool.adapters.spool.mounts import mounts_below
from camspool.adapters.spool.probe import probe, renames
from camspool.adapters.spool.reader import FolderContents, Foreign, MirrorReader
from camspool.adapters.spool.spool import DropFile, Spool
from camspool.adapters.spool.traits import FolderTraits, traits

__all__ = [
    "AlreadyRunning",
    "AnotherFolder",
    "DropFile",
    "FolderContents",
    "FolderRegistry",
    "FolderTraits",
    "Foreign",
    "MarkedFolder",
    "MirrorReader",
    "Spool",
    "mounts_below",
    "move_back",
    "probe",
    "put",
    "renames",
    "replace_file",
    "traits",
    "withdraw",
]
