"""The package's version: later commits are upgrades to apt, releases have their own number."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "systemd/deb/version.sh"


def version(checkout: Path, program: str = "0.1.0") -> str:
    return subprocess.run(
        [SCRIPT, checkout, program], capture_output=True, text=True, check=True
    ).stdout.strip()


def git(checkout: Path, *arguments: str, at: str = "2026-03-01T12:00:00+0100") -> None:
    who = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_COMMITTER_DATE": at}
    environ = os.environ | who | alone
    subprocess.run(["git", "-C", checkout, *arguments], env=environ, check=True, capture_output=True)


def commit(checkout: Path, at: str) -> None:
    git(checkout, "commit", "--allow-empty", "--message=x", at=at)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    commit(tmp_path, "2026-03-01T12:00:00+0100")
    return tmp_path


def later(one: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one, "gt", other], check=False).returncode == 0


def test_a_later_commit_is_an_upgrade(checkout: Path) -> None:
    first = version(checkout)
    assert first.startswith("0.1.0+git20260301110000.")
    commit(checkout, "2026-03-01T12:00:01+0100")
    assert later(version(checkout), first)
    assert later(first, "0.1.0")


def test_a_release_has_its_own_number(checkout: Path) -> None:
    git(checkout, "tag", "v0.1.0")
    assert version(checkout) == "0.1.0"
    assert version(checkout, "0.2.0").startswith("0.2.0+git")
    commit(checkout, "2026-03-02T12:00:00+0100")
    assert later(version(checkout), "0.1.0")


def test_what_is_no_checkout_has_the_number_alone(tmp_path: Path) -> None:
    assert version(tmp_path, "1.0.0rc1") == "1.0.0~rc1"
    assert later("1.0.0", "1.0.0~rc1")
