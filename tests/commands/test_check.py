"""`camspool check`: each check against real folders, processes and servers, and the command as a whole."""

import asyncio
import errno
import json
import os
import pwd
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, graphql_sync

from camspool.adapters.spool import FolderTraits, Spool, traits
from camspool.adapters.watch import InotifyLimits
from camspool.commands.check import (
    command,
    configuration,
    credential,
    file_system,
    folders,
    hooks,
    portal,
    unit,
    watching,
)
from camspool.commands.check.isolated import IsolatedCheck, Person
from camspool.commands.check.result import Result, Verdict, merged, ok, warning, wrong
from camspool.config.settings import Folders, Settings
from support.running import daemon, simulator, write_config

TOKEN = "tok-5f2c9e7ab1"  # noqa: S105  nobody's
SDL = (Path(__file__).parents[2] / "daemon/camspool/simulator/schema.graphql").read_text()
NOBODY = pwd.getpwnam("nobody")

# Newer Pythons warn of a fork where there are threads, as there are in a test run, and not in the command.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
not_as_root = pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")


def said(results: Iterator[Result] | list[Result], check: str) -> tuple[str, str, str]:
    """The verdict, what was found, and the remedy of the first result that is not ok, else of the first."""
    own = [result for result in results if result.check == check]
    result = next((result for result in own if result.verdict is not Verdict.OK), own[0])
    return result.verdict, result.found, result.remedy


def test_one_row_for_each_check() -> None:
    results = [ok("a", "1"), warning("b", "2", "do"), wrong("a", "3", "mend"), warning("a", "4", "mend")]
    assert merged(results) == [Result("a", Verdict.WRONG, "1\n3\n4", "mend"), warning("b", "2", "do")]


# In a process of its own


def test_a_check_that_hangs_costs_only_its_own_row() -> None:
    slow = IsolatedCheck("slow", lambda: time.sleep(60) or [], limit=0.2)  # type: ignore[func-returns-value]
    quick = IsolatedCheck("quick", lambda: [ok("quick", "done")], limit=20)
    assert slow.results() == [
        Result(
            "slow",
            Verdict.WRONG,
            "did not answer within 0.2s",
            "Look for a network share whose server is down, or a slow network.",
        )
    ]
    assert quick.results() == [ok("quick", "done")]


def test_a_check_that_crashes_says_so() -> None:
    crashed = IsolatedCheck("odd", lambda: [ok("odd", str(1 / 0))], limit=20).results()
    assert said(crashed, "odd")[:2] == (
        "wrong",
        "the check itself failed: ZeroDivisionError: division by zero",
    )
    died = IsolatedCheck("odd", lambda: os._exit(3), limit=20).results()
    assert said(died, "odd")[:2] == ("wrong", "the check ended without an answer")


def test_what_a_check_says_is_without_secrets() -> None:
    results = IsolatedCheck(
        "web", lambda: [ok("web", "GET https://me:pw@host/x?sig=abc")], limit=20
    ).results()
    assert results == [ok("web", "GET https://[redacted]@host/x?[redacted]")]


@root_only
def test_a_check_as_another_user_is_made_by_that_user() -> None:
    def who() -> list[Result]:
        return [ok("who", f"{os.getresuid()} {os.getresgid()} {os.getgroups()}")]

    person = Person(NOBODY.pw_uid, NOBODY.pw_gid, (NOBODY.pw_gid,))
    uid, gid = NOBODY.pw_uid, NOBODY.pw_gid
    results = IsolatedCheck("who", who, limit=20, person=person).results()
    assert results == [ok("who", f"{(uid, uid, uid)} {(gid, gid, gid)} [{gid}]")]


# Folders


def places(folder: Path) -> Folders:
    return Folders(drop=folder / "drop", mirror=folder / "mirror", state=folder / "state")


@pytest.fixture
def used(tmp_path: Path) -> Folders:
    """The folders of a daemon that has run."""
    made = places(tmp_path)
    spool = Spool(made.drop, made.mirror, made.state)
    spool.open()
    spool.close()
    return made


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def mirror_of(used: Folders) -> tuple[str, str, str]:
    return said(folders.marked("mirror", used.mirror, used.state), "mirror")


def test_folders_that_are_not_there_yet_are_not_made(tmp_path: Path) -> None:
    new = places(tmp_path / "srv")
    for name in ("drop", "mirror"):
        verdict, found, _ = said(folders.marked(name, getattr(new, name), new.state), name)
        assert (verdict, found) == (
            "ok",
            f"{tmp_path}/srv/{name} does not exist yet: the first start creates it",
        )
    assert said(folders.state(new.state, False), "state")[0] == "ok"
    assert said(folders.daemon(new.state), "daemon")[1] == "none is running on these folders"
    assert said(folders.rename(new), "rename")[0] == "ok"
    assert said(folders.room(new, 0), "free space")[0] == "ok"
    assert tree(tmp_path) == []


def test_a_folder_without_marker_is_tried_and_not_adopted(tmp_path: Path) -> None:
    new = places(tmp_path)
    new.mirror.mkdir()
    assert mirror_of(new)[:2] == (
        "ok",
        f"{new.mirror} can be written; the first start marks it as camspool's",
    )
    assert tree(tmp_path) == ["mirror"]


def test_used_folders_are_known_and_left_as_they_are(used: Folders, tmp_path: Path) -> None:
    before = tree(tmp_path)
    assert mirror_of(used)[:2] == ("ok", f"{used.mirror} can be written; it is the one that is remembered")
    assert said(folders.state(used.state, False), "state")[0] == "ok"
    assert said(folders.rename(used), "rename")[0] == "ok"
    assert tree(tmp_path) == before


@pytest.mark.parametrize("what", ["unmarked", "another", "gone"])
def test_a_folder_that_may_not_be_mounted_is_not_written(used: Folders, what: str) -> None:
    marker = used.mirror / ".camspool"
    if what == "another":
        marker.write_text('{"id": "ffff"}')
    else:
        marker.unlink()
    if what == "gone":
        used.mirror.rmdir()
    before = tree(used.mirror.parent), used.mirror.exists() and used.mirror.stat().st_mtime_ns
    verdict, found, remedy = mirror_of(used)
    assert verdict == "wrong"
    if what == "gone":
        assert "No such file or directory" in found
        assert remedy.startswith("Mount it if it is a share")
    else:
        assert ("has no marker .camspool: is it mounted?" in found) is (what == "unmarked")
        assert remedy == (
            "Mount the right one; if this is the right one, stop camspool, delete the line of this folder in "
            f"{used.state}/folders.json, and start again."
        )
    assert said(folders.rename(used), "rename")[:2] == (
        "skipped",
        "not checked: drop and mirror cannot both be written",
    )
    assert said(folders.room(used, 0), "free space")[1] == "not checked: the mirror cannot be looked at"
    assert before == (
        tree(used.mirror.parent),
        used.mirror.exists() and used.mirror.stat().st_mtime_ns,
    )


def test_a_file_in_a_folders_place(tmp_path: Path) -> None:
    new = places(tmp_path)
    new.mirror.touch()
    verdict, _, remedy = mirror_of(new)
    assert (verdict, remedy) == ("wrong", "Move away what is there, or choose another folder.")


@root_only
def test_a_folder_that_the_services_user_may_not_write() -> None:
    person = Person(NOBODY.pw_uid, NOBODY.pw_gid, ())
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        new = places(Path(name))
        new.drop.mkdir()

        def results() -> list[Result]:
            return [
                *folders.marked("drop", new.drop, new.state),
                *folders.marked("mirror", new.mirror, new.state),
            ]

        found = IsolatedCheck("drop", results, limit=20, person=person).results()
        assert said(found, "drop")[1] == f"nobody cannot write in {new.drop}: Permission denied"
        assert said(found, "drop")[2].startswith(f"To let nobody write there: chown nobody {new.drop} ")
        assert (
            said(found, "mirror")[1] == f"{new.mirror} does not exist, and nobody may not create it in {name}"
        )
        assert said(found, "mirror")[2].startswith("install -d -o nobody ")
        new.drop.chmod(0o2777)
        assert said(IsolatedCheck("drop", results, limit=20, person=person).results(), "drop")[0] == "ok"


@not_as_root
def test_a_folder_that_this_user_may_not_write(used: Folders) -> None:
    used.mirror.chmod(0o555)
    assert "cannot write" in mirror_of(used)[1]


def test_a_running_daemon_is_said_and_keeps_its_lock(used: Folders) -> None:
    spool = Spool(used.drop, used.mirror, used.state)
    spool.open()
    assert said(folders.daemon(used.state), "daemon")[:2] == ("ok", f"one is running on {used.state}")
    spool.close()
    assert said(folders.daemon(used.state), "daemon")[1] == "none is running on these folders"
    spool.open()
    spool.close()


def test_a_group_share_without_setgid(used: Folders) -> None:
    used.drop.chmod(0o775)
    verdict, _, remedy = said(folders.marked("drop", used.drop, used.state), "drop")
    assert (verdict, remedy) == ("warning", f"chmod g+s {used.drop}")
    used.drop.chmod(0o2775)
    assert said(folders.marked("drop", used.drop, used.state), "drop")[0] == "ok"


def test_a_share_that_fstab_wants_mounted(tmp_path: Path) -> None:
    fstab = tmp_path / "fstab"
    fstab.write_text(
        f"# a comment line\nproc /proc proc defaults\nnas:/x {tmp_path}/nas nfs defaults 0 0\n\n"
    )
    assert folders.unmounted(tmp_path / "nas/drop", fstab) == f"{tmp_path}/nas"
    assert folders.unmounted(tmp_path / "nasal", fstab) is None
    assert folders.unmounted(Path("/proc/self"), fstab) is None
    assert folders.unmounted(tmp_path, tmp_path / "none") is None
    results = folders.marked("mirror", tmp_path / "nas/mirror", tmp_path / "state", fstab=fstab)
    assert said(results, "mirror")[::2] == ("warning", f"mount {tmp_path}/nas")


def test_a_folder_that_is_known_needs_no_fstab(used: Folders, tmp_path: Path) -> None:
    fstab = tmp_path / "fstab"
    fstab.write_text(f"nas:/x {used.mirror} nfs defaults 0 0\n")
    assert said(folders.marked("mirror", used.mirror, used.state, fstab=fstab), "mirror")[0] == "ok"


def test_drop_and_mirror_on_different_file_systems(used: Folders) -> None:
    elsewhere = Path("/dev/shm")  # noqa: S108  another file system, almost everywhere
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == used.mirror.stat().st_dev:
        pytest.skip("no other file system at hand")
    with tempfile.TemporaryDirectory(dir=elsewhere) as other:
        apart = Folders(drop=other, mirror=used.mirror, state=used.state)
        verdict, found, _ = said(folders.rename(apart), "rename")
        assert (verdict, "copied instead of renamed" in found) == ("warning", True)
        assert tree(Path(other)) == []


def test_room_by_the_daemons_rule() -> None:
    gigabyte = 10**9
    assert folders.enough(3 * gigabyte, 100 * gigabyte, 2 * gigabyte).verdict is Verdict.OK
    short = folders.enough(1 * gigabyte, 100 * gigabyte, 2 * gigabyte)
    assert short.verdict is Verdict.WRONG
    assert short.remedy == "Make room, lower cleanup.min_free, or set cleanup.keep."
    assert folders.enough(1 * gigabyte, 10 * gigabyte, 2 * gigabyte).verdict is Verdict.OK, (
        "5 % of it are enough"
    )
    assert folders.enough(0, 10 * gigabyte, 0).verdict is Verdict.OK


def test_what_is_remembered_cannot_be_read(used: Folders) -> None:
    (used.state / "folders.json").unlink()
    (used.state / "folders.json").mkdir()
    verdict, found, _ = mirror_of(used)
    assert (verdict, found.startswith("not checked: what is remembered of ")) == ("skipped", True)


# File systems


def test_what_a_file_system_can_do_is_tried_and_nothing_is_left(used: Folders) -> None:
    before = tree(used.mirror)
    (result,) = file_system.results("mirror", used.mirror, used.state)
    assert result.verdict is Verdict.OK
    assert result.found.endswith("takes names of 255 bytes, any character, modes and times")
    assert tree(used.mirror) == before


def test_a_mount_below_that_is_away_is_named(used: Folders) -> None:
    memory = used.state / "folders.json"
    memory.write_text(json.dumps(json.loads(memory.read_text()) | {str(used.mirror / "site-a"): "0" * 32}))
    before = tree(used.mirror)
    _, away = file_system.results("mirror", used.mirror, used.state)
    assert away.verdict is Verdict.WARNING
    assert "site-a was a mount of its own, and is not mounted now" in away.found
    assert tree(used.mirror) == before


def test_a_drop_folder_that_is_not_the_mirrors_is_said_to_be_unknown(used: Folders) -> None:
    (used.drop.parent / "dorp").mkdir()
    results = folders.marked("drop", used.drop.parent / "dorp", used.state, used.mirror)
    verdict, found, remedy = said(results, "drop")
    assert (verdict, found.endswith(f"that is {used.drop}.")) == ("wrong", True)
    assert "Correct folders.drop." in remedy
    assert said(folders.marked("drop", used.drop, used.state, used.mirror), "drop")[0] == "ok"


def test_what_a_file_system_cannot_do_is_said() -> None:
    harmless = FolderTraits((("utime", "Operation not permitted"),), 255, "", "", ignores_case=False)
    assert file_system.of_traits("drop files", "cifs", harmless) == ok(
        "drop files", "cifs refuses utime (Operation not permitted), which is harmless"
    )
    windows = FolderTraits((), 143, ':?*"<>|\\', ". ", ignores_case=True)
    assert file_system.of_traits("mirror files", "exfat", windows) == warning(
        "mirror files",
        'exfat: names have at most 143 bytes; names cannot have any of : ? * " < > | \\; '
        "names cannot end in '.' or ' '; upper and lower case are the same",
        "Requests with such names are rejected (bad_name).",
    )


@pytest.mark.parametrize("longest", [64, 100, 143, 254, 255])
def test_the_longest_name_is_found(used: Folders, monkeypatch: pytest.MonkeyPatch, longest: int) -> None:
    """Against a kernel that refuses longer ones, as eCryptfs does."""
    really = os.open

    def refusing(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if len(os.fsencode(os.path.basename(path))) > longest or ":" in str(path):  # noqa: PTH119
            raise OSError(errno.ENAMETOOLONG if ":" not in str(path) else errno.EINVAL, "refused")
        return really(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)
    with folders.opened(used.mirror) as folder:
        found = traits(folder)
    assert (found.longest_name, found.forbidden, found.refused) == (longest, ":", ())


def test_of_a_folder_that_is_not_there_nothing_is_said(tmp_path: Path) -> None:
    made = places(tmp_path)
    assert list(file_system.results("drop", made.drop, made.state)) == []


# Watching


def settings_for(folder: Path, **sections: Any) -> Settings:
    named = {name: str(folder / name) for name in ("drop", "mirror", "state")}
    return Settings.model_validate({"folders": named, **sections})


def test_the_way_of_watching_and_why(tmp_path: Path) -> None:
    polled = settings_for(tmp_path, watch={"mode": "polling"})
    assert said(watching.results(polled), "watching")[:2] == ("ok", "by polling, every 5s: configured")
    forced = settings_for(Path("/proc/self"), watch={"mode": "inotify"})
    verdict, found, remedy = said(watching.results(forced), "watching")
    assert (verdict, remedy) == ("warning", "Set watch.mode to auto or polling.")
    assert "proc does not report changes made by other machines" in found
    distant = settings_for(Path("/proc/self"))
    assert "does not see what other machines change on proc" in said(watching.results(distant), "watching")[1]


def test_inotifys_limits() -> None:
    assert watching.within(InotifyLimits(1000, 128), 10, "x").verdict is Verdict.OK
    tight = watching.within(InotifyLimits(1000, 128), 900, "x")
    assert tight.verdict is Verdict.WARNING
    assert tight.remedy.startswith("sysctl fs.inotify.max_user_watches=524288")
    assert "max_user_instances" in watching.within(InotifyLimits(1000, 1), 1, "x").remedy
    hidden = watching.within(InotifyLimits(None, None), 900, "x")
    assert (hidden.verdict, hidden.found) == (Verdict.OK, "x; the kernel's limits cannot be read from here")


# The token


def token_said(folder: Path, *, by_systemd: bool = False, **environ: str) -> tuple[str, str, str]:
    settings = settings_for(folder, api={"token_file": str(folder / "token")})
    return said(credential.results(settings, environ, by_systemd=by_systemd), "token")


def test_the_token_and_where_it_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "token"
    verdict, found, remedy = token_said(tmp_path)
    assert (verdict, found) == ("wrong", f"there is no token in {file}")
    assert remedy == f"make one in the portal's API section and write it to api.token_file, which is {file}"
    file.write_text(TOKEN)
    file.chmod(0o600)
    assert token_said(tmp_path) == ("ok", f"there is one in {file}", "")
    file.chmod(0o644)
    assert token_said(tmp_path) == (
        "warning",
        f"everybody on this machine can read {file}",
        f"chmod o= {file}",
    )
    assert token_said(tmp_path, CAMSPOOL_API__TOKEN=TOKEN)[1] == "there is one in CAMSPOOL_API__TOKEN"
    file.write_text("two words")
    assert token_said(tmp_path)[0] == "wrong"


@root_only
def test_a_token_that_only_systemd_can_read() -> None:
    person = Person(NOBODY.pw_uid, NOBODY.pw_gid, ())
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "token")
        file.write_text(TOKEN)
        file.chmod(0o600)
        Path(name).chmod(0o755)
        settings = settings_for(Path(name), api={"token_file": str(file)})

        def looked(*, by_systemd: bool) -> tuple[str, str, str]:
            def results() -> list[Result]:
                return list(credential.results(settings, {}, by_systemd=by_systemd))

            return said(IsolatedCheck("token", results, limit=20, person=person).results(), "token")

        assert looked(by_systemd=False)[::2] == (
            "wrong",
            f"To let nobody read it: chown nobody {file} && chmod 600 {file}",
        )
        assert looked(by_systemd=True)[::2] == (
            "warning",
            "Run it as root (sudo camspool check) to check it.",
        )


# The API

Answer = tuple[int, str, bytes]


@contextmanager
def serving(answer: Callable[[dict[str, Any]], Answer], **headers: str) -> Iterator[str]:
    """A server of GraphQL's kind: `answer` gets what was posted, and a GET is not allowed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(405, "text/plain", b"POST only")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.reply(*answer(body))

        def reply(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response_only(status)
            given = {"Date": self.date_time_string(), "Content-Type": content_type} | headers
            for name, value in given.items():
                if value:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/graphql"
        finally:
            server.shutdown()


def of_schema(sdl: str) -> Callable[[dict[str, Any]], Answer]:
    """Answers by a real GraphQL engine that knows no camera."""
    schema = build_schema(sdl)

    def answer(body: dict[str, Any]) -> Answer:
        result = graphql_sync(schema, body["query"], {"nodeList": []}, variable_values=body.get("variables"))
        return 200, "application/json", json.dumps(result.formatted).encode()

    return answer


def without_introspection(body: dict[str, Any]) -> Answer:
    if "__schema" in body["query"]:
        refusal = {"errors": [{"message": "GraphQL introspection is not allowed"}]}
        return 400, "application/json", json.dumps(refusal).encode()
    return of_schema(SDL)(body)


def portal_rows(endpoint: str, tmp_path: Path, token: str = TOKEN, **environ: str) -> list[Result]:
    (tmp_path / "token").write_text(token)
    api = {"endpoint": endpoint, "token_file": str(tmp_path / "token"), "timeout": "2s"}
    results = asyncio.run(portal.results(settings_for(tmp_path, api=api), environ))
    assert list(dict.fromkeys(result.check for result in results)) == ["api", "clock", "access", "schema"]
    return results


def test_an_api_that_is_as_expected(tmp_path: Path) -> None:
    with simulator(tmp_path / "clips") as sim:
        results = portal_rows(sim.url, tmp_path, sim.token)
    assert [result.verdict for result in results] == [Verdict.OK] * 4, results
    assert said(results, "access")[1].startswith("the token is accepted and sees 7 cameras (")
    assert said(results, "schema")[1] == "has everything that camspool asks for"


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    results = portal_rows(address, tmp_path, HTTPS_PROXY="http://me:pw@127.0.0.1:1")
    assert said(results, "api") == (
        "wrong",
        "127.0.0.1: connection refused; nothing listens there",
        "Check api.endpoint, the network and the firewall, and the proxy: HTTPS_PROXY.",
    )
    assert said(results, "schema")[:2] == ("skipped", "not checked: the API does not answer")


def test_what_listens_does_not_speak_http(tmp_path: Path) -> None:
    def greet(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=greet, args=(listener,), daemon=True).start()
        results = portal_rows(f"http://127.0.0.1:{listener.getsockname()[1]}/", tmp_path)
    assert said(results, "api")[:2] == ("wrong", "127.0.0.1: the server broke off, or does not speak HTTP")


@pytest.mark.parametrize("status", [401, 403])
def test_the_token_is_refused(tmp_path: Path, status: int) -> None:
    with serving(lambda _: (status, "application/json", b'{"errors": [{"message": "No"}]}')) as url:
        results = portal_rows(url, tmp_path)
    verdict, found, remedy = said(results, "access")
    assert (verdict, found.startswith(f"the token is refused: 127.0.0.1: HTTP {status}")) == ("wrong", True)
    assert remedy == f"Make a new token in the portal's API section, and write it to {tmp_path}/token."
    assert said(results, "schema")[0] == "skipped"


@pytest.mark.parametrize("status", [200, 500])
def test_the_address_is_no_api(tmp_path: Path, status: int) -> None:
    with serving(lambda _: (status, "text/html", b"<h1>Sign in</h1>")) as url:
        verdict, found, remedy = said(portal_rows(url, tmp_path), "access")
    assert (verdict, "text/html" in found, "Sign in" in found) == ("wrong", True, True)
    assert remedy == "Check that api.endpoint is the GraphQL address: https://THE-PORTAL/api/graphql.php"


def test_no_camera_is_seen(tmp_path: Path) -> None:
    with serving(of_schema(SDL)) as url:
        results = portal_rows(url, tmp_path)
    assert said(results, "access")[:2] == ("warning", "the token is accepted, but sees no camera")
    assert said(results, "schema")[0] == "ok"


def test_a_schema_that_has_changed(tmp_path: Path) -> None:
    with serving(of_schema(SDL.replace("progress: Int!", "percent: Int!"))) as url:
        verdict, found, remedy = said(portal_rows(url, tmp_path), "schema")
    assert (verdict, found) == ("wrong", "Recording.progress: no such field")
    assert remedy == "The API has changed: look for a newer camspool, or report these names."


def test_what_nobody_has_documented_is_shown(tmp_path: Path) -> None:
    """So that the first user with a token can tell."""
    more = SDL.replace("recording_id: String!\n", "recording_id: String!\n  start: Int\n", 1)
    more = more.replace(
        "camera(node_id: Int!)", "eventList(from: Int!): [Int]\n  camera(node_id: Int, external_id: String)"
    )
    with serving(of_schema(more)) as url:
        results = portal_rows(url, tmp_path)
    assert results[-1] == ok(
        "schema",
        "beyond the vendor's documents: Query.eventList(from: Int!): [Int]; "
        "Query.camera(external_id: String); Recording.start: Int. Please report it: camspool could use it",
    )


def test_a_schema_that_is_not_reported(tmp_path: Path) -> None:
    with serving(without_introspection) as url:
        verdict, found, _ = said(portal_rows(url, tmp_path), "schema")
    assert (verdict, "GraphQL introspection is not allowed" in found) == ("warning", True)


@pytest.mark.parametrize(
    ("ahead", "verdict", "words"),
    [
        (0, "ok", "agrees with the server's to half a minute"),
        (100, "warning", r"this machine's clock is 1m(39|40)s behind the server's"),
        (-100, "warning", r"this machine's clock is 1m4[01]s ahead of the server's"),
        (4000, "wrong", r"this machine's clock is 1h6m(39|40)s behind the server's: ranges.*"),
        (None, "warning", "the server does not send its time.*"),
    ],
)
def test_the_clock(tmp_path: Path, ahead: int | None, verdict: str, words: str) -> None:
    date = "" if ahead is None else format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    with serving(of_schema(SDL), Date=date) as url:
        found = said(portal_rows(url, tmp_path), "clock")
    assert found[0] == verdict
    assert re.fullmatch(words, found[1])


# Notifications


@pytest.mark.parametrize(
    ("program", "verdict", "found"),
    [
        ("/bin/sh", "ok", "/bin/sh can be run"),
        ("sh", "ok", "/bin/sh can be run"),
        ("{folder}/missing", "wrong", "cannot run {folder}/missing: it does not exist"),
        (
            "{folder}/text",
            "wrong",
            "cannot run {folder}/text: it does not exist, or that user may not",
        ),
        ("{folder}", "wrong", "cannot run {folder}: "),
    ],
)
def test_a_hook_that_nobody_could_run(tmp_path: Path, program: str, verdict: str, found: str) -> None:
    (tmp_path / "text").touch(0o644)
    results = hooks.hook((program.format(folder=tmp_path), "--quiet"), {"PATH": "/bin"})
    result = said(results, "hook")
    assert result[0] == verdict
    assert found.format(folder=tmp_path) in result[1]


def test_figures_that_nobody_could_write(tmp_path: Path) -> None:
    assert said(hooks.metrics(tmp_path / "x.prom"), "metrics")[:2] == ("ok", f"{tmp_path} can be written")
    assert tree(tmp_path) == []
    verdict, found, remedy = said(hooks.metrics(tmp_path / "none/x.prom"), "metrics")
    assert (verdict, found.startswith(f"{tmp_path}/none does not exist")) == ("wrong", True)
    assert remedy.startswith("install -d -o ")
    assert said(hooks.metrics(Path("/proc/x.prom")), "metrics")[0] == "wrong"


# The unit


def a_unit(**properties: str) -> unit.Unit:
    usual = {
        "LoadState": "loaded",
        "UnitFileState": "enabled",
        "ActiveState": "active",
        "User": "nobody",
        "ExecStart": "{ path=/opt/x/camspool ; argv[]=/opt/x/camspool run -c /etc/camspool/config.yaml ; x }",
        "ReadWritePaths": "/srv/camspool",
        "StateDirectory": "camspool",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
    }
    text = "# the unit\n[Service]\nLoadCredential=token:/etc/camspool/token\n"
    return unit.Unit(usual | properties, text)


CONFIG = Path("/etc/camspool/config.yaml")


def unit_said(known: unit.Unit | None, **changed: str) -> tuple[str, str, str]:
    return said(unit.results(known, Folders.model_validate(changed), CONFIG), "service")


def test_what_the_unit_says() -> None:
    known = a_unit()
    assert known.program == Path("/opt/x/camspool")
    assert known.config_path == CONFIG
    assert known.token_file == Path("/etc/camspool/token")
    assert unit.Unit({}, f"{known.text}[Service]\nLoadCredential=token:/x\n").token_file == Path("/x")
    assert unit.Unit({}, f"{known.text}[Service]\nLoadCredential=\n").token_file is None, (
        "a drop-in unsets it"
    )
    assert unit.Unit({}, "#LoadCredential=token:/x\n").token_file is None
    assert known.state_folders == (Path("/var/lib/camspool"),)
    assert unit_said(known) == ("ok", "camspool.service is installed, enabled, active", "")


@pytest.mark.parametrize(
    ("drop_in", "file", "sealed"),
    [
        ("LoadCredential=smtp:/x", "/etc/camspool/token", False),
        ("LoadCredential = token:/x y", "/x y", False),
        ("LoadCredential=\nLoadCredential=smtp:/x", None, False),
        ("LoadCredentialEncrypted=token:/x", None, True),
        ("LoadCredential=token", None, True),
        ("LoadCredentialEncrypted=token:/x\nLoadCredential=token:/y", "/y", False),
    ],
)
def test_where_the_unit_takes_the_token_from(drop_in: str, file: str | None, *, sealed: bool) -> None:
    known = unit.Unit({}, f"{a_unit().text}# a drop-in\n[Service]\n{drop_in}\n")
    assert (known.token_file, known.token_sealed) == (Path(file) if file else None, sealed)


def test_folders_that_are_bound_into_the_sandbox() -> None:
    shown = "/data/a/requests:/srv/camspool/drop:rbind -/data/b:/mnt/b c /etc/c:/etc/c:rbind"
    known = a_unit(BindPaths=shown, ReadWritePaths='-/x "+/srv/with space"')
    assert known.bound == {
        Path("/srv/camspool/drop"): Path("/data/a/requests"),
        Path("/mnt/b c"): Path("/data/b"),
        Path("/etc/c"): Path("/etc/c"),
    }
    assert known.writable[:2] == (Path("/x"), Path("/srv/with space"))
    assert known.source_of(Path("/mnt/b c/drop")) == Path("/data/b/drop")
    assert known.source_of(Path("/etc/c")) is None
    assert unit_said(known, mirror="/mnt/b c/mirror")[2].startswith("Name their common parent")
    assert unit_said(a_unit(BindPaths="/data/x:/run/user/x:rbind"), drop="/run/user/x")[0] == "warning"


@pytest.mark.parametrize(
    ("properties", "verdict", "remedy"),
    [
        ({"LoadState": "not-found"}, "warning", 'See "Install as a service" in README.md.'),
        ({"LoadState": "masked"}, "wrong", "systemctl status camspool.service"),
        ({"ActiveState": "failed"}, "wrong", "journalctl -u camspool.service says why"),
        ({"UnitFileState": "disabled"}, "warning", "systemctl enable --now camspool.service"),
        ({"NeedDaemonReload": "yes"}, "warning", "systemctl daemon-reload"),
        ({"ExecStart": "argv[]=x run -c /other.yaml ;"}, "warning", "camspool check -c /other.yaml"),
        (
            {"ReadWritePaths": "/srv/camspool/mirror"},
            "wrong",
            "systemctl edit camspool.service, with the lines [Service] and ReadWritePaths=/srv/camspool/drop",
        ),
        (
            {"ReadWritePaths": "/srv/camspool/mirror -/srv/camspool/drop"},
            "warning",
            "Name their common parent instead: systemctl edit camspool.service",
        ),
    ],
)
def test_what_is_wrong_with_the_unit(properties: dict[str, str], verdict: str, remedy: str) -> None:
    found = unit_said(a_unit(**properties))
    assert (found[0], found[2][: len(remedy)]) == (verdict, remedy)


def test_systemd_that_does_not_run_or_not_answer(tmp_path: Path) -> None:
    assert unit._unasked(tmp_path / "none") == ok("service", "systemd does not run here")
    assert unit._unasked(tmp_path).verdict is Verdict.WARNING


def test_folders_that_the_sandbox_hides() -> None:
    _, found, remedy = unit_said(a_unit(), drop="/run/user/drop")
    assert found == "its sandbox hides /run/user/drop from it: ProtectHome=yes"
    assert remedy == "Choose another folder for folders.drop, such as one below /srv."
    assert "PrivateTmp=yes" in unit_said(a_unit(), mirror="/tmp/mirror")[1]  # noqa: S108
    assert unit_said(a_unit(ProtectHome="no", ProtectSystem="full"), drop="/run/user/drop")[0] == "ok"


def test_a_file_for_figures_that_the_sandbox_shuts_out() -> None:
    for folder, verdict in (("/srv/camspool", "ok"), ("/var/lib/prometheus", "wrong")):
        results = unit.results(a_unit(), Folders(), CONFIG, Path(folder, "x.prom"))
        assert said(results, "service")[0] == verdict


def test_as_whom_it_is_checked() -> None:
    known, person = a_unit(), Person(NOBODY.pw_uid, NOBODY.pw_gid, ())
    assert unit.person_of(known) == Person(NOBODY.pw_uid, NOBODY.pw_gid, (NOBODY.pw_gid,))
    numbers = {"User": str(NOBODY.pw_uid), "Group": "4711", "SupplementaryGroups": f"0 {NOBODY.pw_gid}"}
    numbered = unit.person_of(a_unit(**numbers))
    assert numbered
    assert (numbered.uid, numbered.gid) == (NOBODY.pw_uid, 4711)
    assert {*numbered.groups} == {0, 4711, NOBODY.pw_gid}
    assert unit.person_of(a_unit(User="nobody-at-all")) is None
    assert unit.person_of(a_unit(Group="no-such-group")) is None
    missing = unit.user_result(a_unit(User="nobody-at-all"), None)
    assert (missing.verdict, missing.remedy.split()[0]) == (Verdict.WRONG, "useradd")
    found = unit.user_result(known, person)
    if os.geteuid() in {0, NOBODY.pw_uid}:
        assert found == ok("user", "checked as nobody, the user of camspool.service")
    else:
        assert (found.verdict, "sudo camspool check" in found.remedy) == (Verdict.WARNING, True)


# The command


def run(
    folder: Path, *arguments: str | Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`camspool check` where the only systemctl is the one of `stand_in`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CAMSPOOL_")}
    return subprocess.run(
        [sys.executable, "-m", "camspool", "check", *arguments],
        cwd=folder,
        env=clean | {"PATH": str(folder)} | dict(environ or {}),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def stand_in(folder: Path, text: str = "", **properties: str) -> None:
    """A systemctl that reports these properties of the unit: the real one needs a whole system."""
    lines = "".join(f"{key}={value}\n" for key, value in properties.items())
    script = f"print({lines!r} if sys.argv[1] == 'show' else {text!r}, end='')"
    systemctl = folder / "systemctl"
    systemctl.write_text(f"#!{sys.executable}\nimport sys\n{script}\n")
    systemctl.chmod(0o755)


def checks(answer: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    document = json.loads(answer.stdout)
    assert document["schema"] == "camspool/check/1"
    assert answer.stderr == ""
    return {check["check"]: check for check in document["checks"]}


EVERY = ["configuration", "user", "drop", "mirror", "state", "daemon", "drop files", "mirror files", "rename"]
EVERY += ["free space", "watching", "token", "api", "clock", "access", "schema", "service"]


async def test_before_the_first_start_and_beside_a_daemon(tmp_path: Path) -> None:
    with simulator(tmp_path / "clips") as sim:
        path = write_config(tmp_path, sim)
        (tmp_path / "token").chmod(0o600)
        me = pwd.getpwuid(os.getuid()).pw_name
        stand_in(tmp_path, LoadState="loaded", UnitFileState="enabled", ActiveState="active", User=me)
        before = sorted(os.listdir(tmp_path))  # noqa: PTH208
        first = await asyncio.to_thread(run, tmp_path, "-c", path, "--json")
        assert sorted(os.listdir(tmp_path)) == before  # noqa: PTH208
        found = checks(first)
        assert list(found) == [name for name in EVERY if not name.endswith(" files")]
        assert [check["verdict"] for check in found.values()] == ["ok"] * len(found), first.stdout
        assert (first.returncode, json.loads(first.stdout)["ok"]) == (0, True)
        async with daemon(tmp_path, sim) as running:
            beside = await asyncio.to_thread(run, tmp_path, "-c", path)
            assert (beside.returncode, beside.stderr) == (0, "")
            assert f"one is running on {tmp_path}/state" in beside.stdout
            assert beside.stdout.endswith("All is well.\n")
            assert "\x1b" not in beside.stdout
            assert running.service()["problems"] == []
            assert list(running.drop.iterdir()) == [running.drop / ".camspool"]
        assert sim.token not in first.stdout + beside.stdout


def test_a_folder_that_does_not_answer_hides_nothing_else(tmp_path: Path) -> None:
    """Which nothing but a dead share does: this is what is checked once that has been found."""
    with simulator(tmp_path / "clips") as sim:
        results = command.without_folders(write_config(tmp_path, sim), {}, None)
    assert [result.check for result in results] == ["token", "api", "clock", "access", "schema"]
    assert [result.verdict for result in results[1:]] == [Verdict.OK] * 4
    bad = tmp_path / "bad.yaml"
    bad.write_text("api: {rate: fast}")
    assert [result.check for result in command.without_folders(bad, {}, None)] == ["configuration"]


def test_without_a_configuration(tmp_path: Path) -> None:
    if Path("/etc/camspool/config.yaml").exists():
        pytest.skip("this machine has one")
    answer = run(tmp_path, "--json")
    assert answer.returncode == 78
    result = checks(answer)["configuration"]
    assert result["remedy"] == "Copy config.example.yaml to /etc/camspool/config.yaml."


def test_a_bad_configuration_names_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(f"api: {{rate: fast, token: {TOKEN}}}\nwatch: {{settle: soon}}\n")
    answer = run(tmp_path, "-c", path)
    assert answer.returncode == 78
    assert "api.rate: found 'fast', expected a number" in answer.stdout
    assert "watch.settle: found 'soon', expected a duration" in answer.stdout
    assert "api.token: found '(not shown)', expected no token here" in answer.stdout
    assert answer.stdout.count("-> Correct") == 1
    assert "1 wrong, 0 warnings: camspool cannot do its work like this.\n" in answer.stdout
    assert TOKEN not in answer.stdout


def test_hook_and_figures_are_checked_where_they_are_wanted(tmp_path: Path) -> None:
    with simulator(tmp_path / "clips") as sim:
        metrics, hooks = {"file": str(tmp_path / "none/x.prom")}, {"done": ["/nowhere/archive"]}
        answer = run(tmp_path, "-c", write_config(tmp_path, sim, metrics=metrics, hooks=hooks), "--json")
    found = checks(answer)
    assert (found["hook"]["verdict"], found["metrics"]["verdict"], answer.returncode) == ("wrong", "wrong", 1)


def test_a_wrong_token_is_a_no_and_is_not_shown(tmp_path: Path) -> None:
    with simulator(tmp_path / "clips") as sim:
        path = write_config(tmp_path, sim)
        (tmp_path / "token").write_text(TOKEN)
        answer = run(tmp_path, "-c", path, "--json")
    assert answer.returncode == 1
    assert checks(answer)["access"]["verdict"] == "wrong"
    assert TOKEN not in answer.stdout


def test_what_the_unit_puts_into_the_environment_is_heeded(tmp_path: Path) -> None:
    with simulator(tmp_path / "clips") as sim:
        path = write_config(tmp_path, sim)
        (tmp_path / "token").unlink()
        me = pwd.getpwuid(os.getuid()).pw_name
        loaded = {"LoadState": "loaded", "UnitFileState": "enabled", "User": me}
        environment = f'"CAMSPOOL_API__TOKEN={sim.token}" HTTPS_PROXY={sim.url}'
        stand_in(tmp_path, **loaded, Environment=environment)
        answer = run(tmp_path, "-c", path, "--json")
        found = checks(answer)
        assert found["token"]["found"] == "there is one in CAMSPOOL_API__TOKEN"
        assert found["access"]["verdict"] == "ok"
        assert found["api"]["found"].endswith("; proxy: HTTPS_PROXY of the unit")
        assert sim.token not in answer.stdout
        stand_in(tmp_path, **loaded, Environment=f"{environment} HTTP_PROXY=http://127.0.0.1:9")
        assert checks(run(tmp_path, "-c", path, "--json"))["api"]["verdict"] == "wrong", "that proxy is used"
        stand_in(tmp_path, "LoadCredentialEncrypted=token:/x\n", **loaded)
        found = checks(run(tmp_path, "-c", path, "--json"))
        assert (found["token"]["verdict"], found["access"]["verdict"]) == ("ok", "skipped")
        stand_in(tmp_path, **loaded, BindPaths=f"/somewhere:{tmp_path}:rbind")
        found = checks(run(tmp_path, "-c", path, "--json"))
        assert {found[name]["verdict"] for name in ("drop", "mirror", "state", "rename")} == {"skipped"}
        assert found["drop"]["remedy"] == "What it sees there is /somewhere/drop."


def test_a_program_that_does_not_tell_its_version_is_not_waited_for(tmp_path: Path) -> None:
    program = tmp_path / "camspool"
    program.write_text(f"#!/bin/sh\nsleep 300 & echo $! > {tmp_path}/child\nwait\n")
    program.chmod(0o755)
    assert not configuration.starts(program, 0.5)
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    deadline = time.monotonic() + 10  # a killed process is gone a moment later
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline, "what it has started is ended too"
        time.sleep(0.01)
    program.write_text("#!/bin/sh\n")
    assert configuration.starts(program)
    assert not configuration.starts(tmp_path / "none")


@root_only
def test_root_checks_as_the_services_user() -> None:
    with tempfile.TemporaryDirectory() as name, simulator(Path(name, "clips")) as sim:
        folder = Path(name)
        folder.chmod(0o755)
        path = write_config(folder, sim)
        path.chmod(0o600)
        (folder / "token").chmod(0o600)
        away = folder / "bin/camspool"
        properties = {"User": "nobody", "LoadState": "loaded", "ExecStart": f"{{ path={away} ; }}"}
        stand_in(folder, f"[Service]\nLoadCredential=token:{folder}/token\n", **properties)
        answer = run(folder, "-c", path, "--json")
    found = checks(answer)
    assert found["user"]["found"] == "checked as nobody, the user of camspool.service"
    assert found["drop"]["found"].endswith(f"drop does not exist, and nobody may not create it in {name}")
    assert f"nobody cannot start {away}" in found["service"]["found"]
    assert (found["token"]["verdict"], found["access"]["verdict"]) == ("ok", "ok"), "systemd reads the token"
    assert found["configuration"]["found"].endswith(f"\nnobody cannot read {path}: Permission denied")
    assert answer.returncode == 78
