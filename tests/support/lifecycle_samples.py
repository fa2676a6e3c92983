"""One of every event that a clip can meet, for the tests of the life of a clip."""

from camspool.core import events
from camspool.core.events import Event
from camspool.core.status_document import Download
from camspool.core.values import PREPARATION, ErrorCode
from support.builders import a_file, a_recording, a_wait, later

DAY = 86400.0
URL = "https://download.example/xRMElmAkh3?signature=secret"

SAMPLES: list[Event] = [
    events.Due(),
    events.ListingBegan(),
    events.IdStillFresh(),
    events.CameraFound(62303, "ACCC8EE8A9CA"),
    events.Listed((a_recording(),)),
    events.PrepareRequested(),
    events.PrepareAccepted(),
    events.PrepareFailed(),
    events.PrepareProgressed(50.0),
    events.PrepareStands(a_wait(), 330.0),
    events.Prepared(URL, later(DAY)),
    events.PrepareRefused("The server would not"),
    events.DownloadBegan(),
    events.DownloadProgressed(Download(bytes=10, total_bytes=100)),
    events.DownloadCompleted(100, "5" * 64, later(6 * 3600)),
    events.Verified(a_file()),
    events.Published(),
    events.Reopened(),
    events.Expired("The id is gone", early=True),
    events.VideoFoundBad("It is cut short", 600.0),
    events.Waits(a_wait()),
    events.HeldUp(a_wait(), tried=False, until_well_at=PREPARATION),
    events.Doubted(a_wait()),
    events.Failed(ErrorCode.NO_RECORDING, "Nothing there.", "Look in the portal."),
    events.Cancelled(),
    events.Removed(),
]
