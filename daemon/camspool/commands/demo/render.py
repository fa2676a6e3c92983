"""What the demo prints besides progress: the programs it starts, the results, the next steps."""

import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.filesize import decimal
from rich.json import JSON
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from camspool.commands.demo.examples import EXAMPLES, OWN_FILE, OWN_REQUEST, Example
from camspool.commands.demo.folder import DemoFolder
from camspool.commands.demo.progress import doing, styled
from camspool.core.durations import written
from camspool.core.naming import STATUS_SUFFIX
from camspool.core.status_document import Clip, OutputFile, Status

_SHORTENED: Final = ("name", "state", "clips", "coverage", "finished_at")
_LOG_LINES: Final = 5
_SHORTENED_CLIP: Final = ("state", "camera", "camera_name", "from", "to", "file")


class Screen:
    """Writes to `console` about the demo in `folder`."""

    def __init__(self, console: Console, folder: DemoFolder) -> None:
        self._console = console
        self._folder = folder

    def opening(self, endpoint: str, process_id: int) -> None:
        """The programs that were started, and where."""
        self._console.print(
            "[bold]A simulated camera portal, and a real camspool daemon that fetches from it"
        )
        table = Table.grid(padding=(0, 2))
        table.add_row("  folder", Text(str(self._folder.path), "bold"))
        table.add_row("  portal", f"{endpoint} (simulated)")
        table.add_row("  daemon", f"process {process_id}, its settings in config.yaml, its log in daemon.log")
        self._console.print(table)

    def dropping(self, new: Sequence[Example]) -> None:
        """The request files that go into drop/."""
        self._heading("Four request files, dropped into drop/ as any program could:")
        for example in EXAMPLES:
            known = "" if example in new else " (already there)"
            self._console.print(Text.assemble("  ", (example.file, "bold"), f"  {example.shows}{known}"))
            self._print_indented(example.content.rstrip(), 4)
        self._heading("Progress, according to their status files in mirror/:")

    def success(self, seconds: float) -> None:
        """Success."""
        self._console.print(
            f"\n[bold green]All four ended as expected[/] within {seconds:.1f} s, "
            "and each MP4 has the bytes and the SHA-256 that its status file states."
        )

    def failure(self, problems: Sequence[str]) -> None:
        """The problems."""
        self._console.print("\n[bold red]Something went wrong:")
        for problem in problems:
            self._console.print(f"  - {problem}", markup=False, soft_wrap=True)
        self._console.print(
            f"  The end of the daemon's log, {self._folder.log}:", markup=False, soft_wrap=True
        )
        for line in self._folder.log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]:
            self._console.print(Text(f"    {line}", "dim"), soft_wrap=True)

    def results(self) -> None:
        """The folders, one status file, why a file was rejected."""
        statuses = list(self._folder.statuses())
        self._heading("The folders now")
        self._print_tree(statuses)
        for status in statuses:
            if status.name == EXAMPLES[1].name:
                self._print_status(status)
            elif status.name == EXAMPLES[3].name:
                self._print_rejection(status)

    def how_to_go_on(self) -> None:
        """The next steps, once nothing is running any more."""
        self._heading("Next steps")
        self._say("Start the simulator and the daemon in this folder again, for requests of your own:")
        self._command(f"{self._again()} --stay")
        self._say("and then, from another terminal:")
        self._command(self._own_request())
        self._say("Everything that a request may contain:")
        self._command(f"{_own_command()} schema request")
        self._say("README.md explains how to fetch from your own cameras.")

    def staying(self) -> None:
        """What to do while both keep running."""
        self._heading("The simulator and the daemon keep running. Press Ctrl-C to stop them.")
        self._say("Drop a request of your own, from another terminal:")
        self._command(self._own_request())
        self._say("The cameras gate-north, cashdesk-3, panorama-1, parking-a and parking-b have")
        self._say("recorded everything from 2020 until now. Your requests:")

    def news(self, status: Status) -> None:
        """A change of a request, while staying."""
        line = Text.assemble("  ", status.name, ": ", styled(status.state), f" ({doing(status)})")
        self._console.print(line, soft_wrap=True)
        if status.error:
            self._print_problems(status)
        for clip in status.clips:
            if clip.file:
                self._command(str(self._folder.mp4(status, clip.file.name)))

    def stopped(self) -> None:
        """After Ctrl-C."""
        self._console.print("\nThe simulator and the daemon have stopped. To continue from here:")
        self._command(self._again())

    def _heading(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}")

    def _say(self, text: str) -> None:
        self._console.print(f"  {text}", markup=False, highlight=False)

    def _command(self, line: str) -> None:
        """A line to copy: it must not be wrapped."""
        self._console.print(Text(f"    {line}", "cyan"), soft_wrap=True)

    def _print_indented(self, text: str, by: int) -> None:
        self._indented(Text(text, "dim"), by)

    def _indented(self, what: RenderableType, by: int = 2) -> None:
        self._console.print(Padding(what, (0, 0, 0, by), expand=False))

    def _again(self) -> str:
        return f"{_own_command()} demo --dir {shlex.quote(str(self._folder.path))}"

    def _own_request(self) -> str:
        return f"echo '{OWN_REQUEST}' > {shlex.quote(str(self._folder.drop / OWN_FILE))}"

    def _print_tree(self, statuses: Sequence[Status]) -> None:
        notes = dict(_notes(self._folder, statuses))
        tree = Tree(Text(self._folder.path.name, "bold"), guide_style="dim")
        outstanding = any(path.is_file() and path.name[0] != "." for path in self._folder.drop.rglob("*"))
        _grow(tree, self._folder.drop, notes, "" if outstanding else "nothing is outstanding")
        _grow(tree, self._folder.mirror, notes)
        self._indented(tree)

    def _print_status(self, status: Status) -> None:
        path = f"mirror/{status.name}{STATUS_SUFFIX}"
        self._heading(f"A status file: {path}, shortened")
        whole = json.loads((self._folder.path / path).read_bytes())
        self._indented(JSON.from_data(_shortened(whole)))

    def _print_rejection(self, status: Status) -> None:
        self._heading(f"Why {status.request.file} was rejected, as its status file says")
        self._print_problems(status)

    def _print_problems(self, status: Status) -> None:
        if not status.error:
            return
        problems = [problem.sentence for problem in status.error.problems] or [status.error.message]
        grid = Table.grid(padding=(0, 1))
        for problem in problems:
            grid.add_row("  -", Text(problem))
        grid.add_row("", Text(status.error.hint, "italic"))
        self._console.print(grid)


def _notes(folder: DemoFolder, statuses: Sequence[Status]) -> Iterator[tuple[Path, str]]:
    """What each file in the folders is."""
    yield folder.mirror / "_service.json", "the daemon's health"
    yield folder.mirror / "index.html", "a page: open it in a browser"
    yield folder.mirror / "_page", "the page's data"
    for status in statuses:
        yield folder.mirror / f"{status.name}{STATUS_SUFFIX}", f"its status: {status.state}"
        if status.request.filed_as:
            yield folder.mirror / status.request.filed_as, "the request, moved here"
        for clip in status.clips:
            if clip.file:
                yield folder.mp4(status, clip.file.name), _video(clip, clip.file)


def _video(clip: Clip, file: OutputFile) -> str:
    piece = f", piece {clip.piece} of {clip.pieces}" if clip.piece else ""
    return f"{written(round(file.duration_s))}, {file.width}x{file.height}{piece}"


def _grow(tree: Tree, folder: Path, notes: dict[Path, str], note: str = "") -> None:
    """Add a folder to the tree, its files with their sizes."""
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    branch = tree.add(Text(f"{folder.name}/  {note}".rstrip()))
    width = max((len(path.name) for path in paths if path.is_file()), default=0)
    for path in paths:
        if path.is_dir() and path in notes:
            branch.add(Text(f"{path.name}/  {notes[path]}"))
        elif path.is_dir():
            _grow(branch, path, notes)
        else:
            size = decimal(path.stat().st_size)
            branch.add(Text(f"{path.name:{width}}  {size:>9}  {notes.get(path, '')}", no_wrap=True))


def _shortened(whole: dict[str, Any]) -> dict[str, Any]:
    """The most informative parts of a status file, in its own order."""
    short = {key: value for key, value in whole.items() if key in _SHORTENED}
    short["clips"] = [
        {key: value for key, value in clip.items() if key in _SHORTENED_CLIP} for clip in whole["clips"]
    ]
    for clip in short["clips"]:
        clip["file"] |= {"sha256": clip["file"]["sha256"][:12] + "..."}
    return short


def _own_command() -> str:
    """The command as the reader called it, for pasting."""
    if shutil.which("camspool"):
        return "camspool"
    called = Path(sys.argv[0])
    if called.name == "camspool":
        return shlex.quote(str(called))
    return f"{shlex.quote(sys.executable)} -m camspool"
