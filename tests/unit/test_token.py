"""Where the token comes from, and what is said of a file that holds something else."""

import os
from pathlib import Path

import pytest

from camspool.adapters import logs
from camspool.config.cell import SettingsCell
from camspool.config.loading import load
from camspool.config.settings import Settings
from camspool.config.token import Token, find_token, read_token
from camspool.core.errors import ServiceTrouble
from camspool.core.values import WaitReason
from support.configurations import SECRET, UTC_ZONE


def with_token_file(file: Path) -> Settings:
    return load(None, {**UTC_ZONE, "CAMSPOOL_API__TOKEN_FILE": str(file)})


def test_the_token_is_looked_for_in_order_and_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "file"
    settings = with_token_file(file)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    file.write_text("first\n")
    assert read_token(settings, environ).get_secret_value() == "first"
    file.write_bytes(b"\xef\xbb\xbf second\r\n")
    assert read_token(settings, environ).get_secret_value() == "second"
    (tmp_path / "token").write_text("credential")
    assert read_token(settings, environ).get_secret_value() == "credential"
    assert (
        read_token(settings, {**environ, "CAMSPOOL_API__TOKEN": " variable "}).get_secret_value()
        == "variable"
    )
    assert read_token(settings, {"CAMSPOOL_API__TOKEN": " "}).get_secret_value() == "second"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no token in"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (SECRET.encode() + b" " + SECRET.encode(), "holds several words"),
        (SECRET.encode() + b"\xc5\xbe", "a character that no token has"),
        (SECRET.encode() + b"\xff", "a character that no token has"),
        (SECRET.encode() + b"\x1b[0m", "a character that no token has"),
        (b"x" * 5000, "more than 4096 characters"),
        (b"token: " + SECRET.encode(), "a line such as `token: ...`"),
        (b"api_token=" + SECRET.encode(), "a line such as `token: ...`"),
        (b'"token": "' + SECRET.encode(), "a line such as `token: ...`|in quotes"),
        (b'"' + SECRET.encode() + b'"', "in quotes"),
        (b"'" + SECRET.encode() + b"'", "in quotes"),
        (b"Bearer " + SECRET.encode(), "the word `Bearer`"),
        (b"Authorization: Bearer " + SECRET.encode(), "the word `Bearer`"),
        (b'{"token": "' + SECRET.encode() + b'"}', "JSON or YAML"),
        (SECRET.encode() + b"\n" + SECRET.encode() + b"\n", "holds several lines"),
        (b"# the token\n" + SECRET.encode(), "holds several lines"),
        (SECRET.encode("utf-16"), "UTF-16"),
        (SECRET.encode("utf-16-be"), "UTF-16"),
    ],
)
def test_without_a_usable_token_the_service_waits(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ServiceTrouble, match=words) as caught:
        read_token(with_token_file(file), {})
    assert caught.value.reason is WaitReason.UNAUTHORISED
    assert str(file) in caught.value.message
    assert "api.token_file" in caught.value.message
    assert SECRET not in caught.value.message


def test_a_folder_in_place_of_the_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceTrouble, match="it is a folder, not a file"):
        read_token(with_token_file(tmp_path), {})


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["token", "api"])
def test_a_pipe_or_device_in_place_of_the_token_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "token")
    (tmp_path / "api").symlink_to("/dev/zero")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(ServiceTrouble, match=r"it is a (pipe|device), not a file"):
            read_token(with_token_file(tmp_path / name), {})
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_empty_credential_counts_as_missing_and_is_named(tmp_path: Path) -> None:
    """LXC blanks what systemd's LoadCredential= has put there: https://github.com/lxc/distrobuilder/issues/985."""
    credential, file = tmp_path / "token", tmp_path / "api-token"
    credential.write_text("\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    with pytest.raises(
        ServiceTrouble, match=f"{credential} is empty, .*, and there is no token in {file}; make one"
    ):
        find_token(with_token_file(file), environ)
    file.write_text(SECRET)
    found = find_token(with_token_file(file), environ)
    assert (found.secret.get_secret_value(), found.source) == (SECRET, file)
    assert found.remark is not None
    assert f"{credential} is empty" in found.remark
    assert f"{file} is read in its place" in found.remark
    credential.write_text(SECRET)
    assert find_token(with_token_file(file), environ).remark is None


def test_the_daemon_says_once_that_the_credential_is_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info", "json")
    (tmp_path / "token").touch()
    (tmp_path / "api-token").write_text(SECRET)
    cell = SettingsCell(with_token_file(tmp_path / "api-token"))
    token = Token(cell, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert [token.read(), token.read()] == [SECRET, SECRET]
    said = capsys.readouterr().err
    assert said.count("credential_empty") == 1
    assert SECRET not in said


def test_the_token_does_not_show(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    assert SECRET not in repr(read_token(with_token_file(tmp_path / "token"), {}))
