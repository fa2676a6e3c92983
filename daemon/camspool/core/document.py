"""The status document as JSON, both ways, and its JSON Schema: names and formats are public interface."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, TypeAdapter

from camspool.core.status_document import Status


def _consistent(status: Status) -> Status:
    """Anybody may have edited the file; an inconsistent status would stop us later."""
    entries, used = set(range(len(status.request.entries))), {clip.entry for clip in status.clips}
    if not used <= entries or (used < entries and not status.state.final):
        raise ValueError(
            "every clip belongs to an entry, and every entry of an outstanding request has clips"
        )
    if len({clip.key for clip in status.clips}) < len(status.clips):
        raise ValueError("no two clips have the same ask and piece")
    return status


_STATUS: Final[TypeAdapter[Status]] = TypeAdapter(Annotated[Status, AfterValidator(_consistent)])


def dump(status: Status) -> bytes:
    """The status as indented UTF-8 JSON with a final newline."""
    return _STATUS.dump_json(status, indent=2, by_alias=True) + b"\n"


def load(data: bytes) -> Status:
    """The status that `data` holds.

    Raises:
        pydantic.ValidationError: `data` is no JSON, no status document (a foreign file of that name), or
            one that was edited so that its parts do not fit together.
    """
    return _STATUS.validate_json(data)


def schema() -> dict[str, Any]:
    """The JSON Schema of a status file."""
    return _STATUS.json_schema(by_alias=True, mode="serialization")
