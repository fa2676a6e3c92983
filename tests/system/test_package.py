"""The package on a machine that has never seen it: installed, upgraded and purged as the README says."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.running import request
from system.installation import CONFIG, DROP, MIRROR, STATE, TOKEN, Installation, bare

README = Path(__file__).parents[2] / "README.md"
CHECKOUT = "/usr/src/camspool"
OURS = (
    "/opt/camspool",
    "/usr/bin/camspool",
    "/usr/lib/systemd/system/camspool.service",
    "/usr/lib/sysusers.d/camspool.conf",
    "/usr/lib/tmpfiles.d/camspool.conf",
    "/etc/camspool",
    "/var/lib/camspool",
)
WANTED_CONFIG = "/usr/local/share/config.yaml"
WANTED = "/etc/systemd/system/multi-user.target.wants/camspool.service"

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def service(package: Path, tmp_path: Path) -> Iterator[Installation]:
    """A machine with a checkout in which `make deb` has been run; its administrator is root already."""
    with bare(tmp_path) as installation:
        installation.machine.write("/usr/local/bin/sudo", '#!/bin/sh\nexec "$@"\n', 0o755)
        for done_by_us in ("make", "git"):
            installation.machine.write(f"/usr/local/bin/{done_by_us}", "#!/bin/sh\n", 0o755)
        installation.machine.write(WANTED_CONFIG, installation.configuration())
        installation.machine.write("/usr/local/bin/sudoedit", f'#!/bin/sh\ncp {WANTED_CONFIG} "$1"\n', 0o755)
        offer(installation, package)
        yield installation


def offer(service: Installation, package: Path) -> None:
    """Put the package into the machine's checkout, in place of an earlier one."""
    dist = service.machine.path(f"{CHECKOUT}/dist")
    service.machine.run("rm", "-rf", f"{CHECKOUT}/dist")
    dist.mkdir(parents=True)
    (dist / package.name).write_bytes(package.read_bytes())


def do_as_the_readme_says(service: Installation, section: str, typed: str = "") -> str:
    """Run what is in the code block of a section of the README, as it stands there."""
    found = re.search(rf"(?ms)^##+ {section}$.*?^```sh\n(.*?)^```", README.read_text())
    assert found, f"the README has no commands in its section {section!r}"
    script = f"cd {CHECKOUT}; USER=alice; {found[1]}"
    return service.machine.run("sh", "-ec", script, typed=typed)


def install(service: Installation) -> None:
    do_as_the_readme_says(service, "Install as a service", typed=f"{service.sim.token}\n")


def newer(package: Path, folder: Path) -> Path:
    """The same package in version 99."""
    content, made = folder / "content", folder / "camspool_99_all.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, content], check=True)
    control = content / "DEBIAN/control"
    control.write_text(re.sub("(?m)^Version: .*$", "Version: 99", control.read_text()))
    (content / "opt/camspool/new").touch()
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", content, made], check=True)
    return made


async def test_installed_by_the_readme_it_works(service: Installation) -> None:
    install(service)
    machine = service.machine
    assert machine.show("camspool", "ActiveState", "UnitFileState") == {
        "ActiveState": "active",
        "UnitFileState": "enabled",
    }
    assert there(service, "/usr/share/doc/camspool/INTEGRATE.md")
    assert there(service, "/usr/share/doc/camspool/examples/config.yaml")
    assert there(service, "/usr/share/man/man1/camspool.1.gz")
    assert there(service, "/usr/share/bash-completion/completions/camspool")
    assert there(service, "/usr/share/doc/camspool/OPERATE.md")
    assert machine.run("stat", "--format=%a %U %G", TOKEN) == "600 root root\n"
    assert machine.run("stat", "--format=%a %U %G", CONFIG) == "640 root camspool\n"
    service.drop("b.json", request())
    assert (await service.seen().ended("b"))["state"] == "done"
    assert "1 MP4 of 1 request" in machine.as_user("alice", "camspool verify")
    assert machine.run("systemctl", "--failed", "--no-legend") == ""


async def test_an_upgrade_keeps_everything_and_goes_on(
    service: Installation, package: Path, tmp_path: Path
) -> None:
    install(service)
    before = service.machine.path(CONFIG).read_text()
    service.machine.run("chown", "root:adm", CONFIG)
    service.machine.run("chmod", "644", CONFIG)
    offer(service, newer(package, tmp_path))
    await service.until_downloading("b")
    do_as_the_readme_says(service, "Upgrade")
    assert service.machine.path("/opt/camspool/new").exists()
    assert service.machine.path(CONFIG).read_text() == before
    assert service.machine.run("stat", "--format=%a %U %G", CONFIG) == "644 root adm\n"
    await service.until_resumed("b")


async def test_a_purge_leaves_the_footage_and_removes_the_rest(service: Installation) -> None:
    install(service)
    service.drop("b.json", request())
    await service.seen().ended("b")
    service.drop("late.json", request() | {"from": "2099-01-01T00:00:00Z"})
    await service.seen().until("late", "scheduled")
    assert [path for path in (*OURS, WANTED) if not there(service, path)] == []
    do_as_the_readme_says(service, "Uninstall", typed="y\n")
    assert [path for path in (*OURS, WANTED) if there(service, path)] == []
    assert not service.machine.succeeds("pgrep", "--full", "camspool run")
    kept = [f"{MIRROR}/{name}" for name in ("b.json", "b.mp4", "b.status.json", "late.status.json")]
    for path in (*kept, f"{DROP}/late.json"):
        assert service.machine.run("stat", "--format=%G", path) == "camspool\n"


def test_a_purge_leaves_what_others_have_put_into_its_folders(service: Installation) -> None:
    install(service)
    footage, secret = f"{STATE}/archive/evening.mp4", "/etc/camspool/notify-password"
    for path in (footage, secret):
        service.machine.write(path, "somebody's")
    service.machine.run("touch", f"{STATE}/.camspool-0011aabb-0011aabb0011aabb.tmp")  # as a kill leaves it
    service.machine.run("dpkg", "--purge", "camspool")
    left = service.machine.run("find", STATE, "/etc/camspool", "-type", "f").split()
    assert sorted(left) == sorted([footage, secret])


async def test_what_was_only_removed_goes_on_when_it_is_installed_again(service: Installation) -> None:
    install(service)
    service.drop("b.json", request())
    await service.seen().ended("b")
    service.machine.run("dpkg", "--remove", "camspool")
    assert not there(service, "/opt/camspool")
    assert there(service, TOKEN)
    service.drop("c.json", request(at=20))
    service.machine.run("sh", "-ec", f"dpkg --install {CHECKOUT}/dist/*.deb")
    assert (await service.seen().ended("c"))["state"] == "done"


def there(service: Installation, path: str) -> bool:
    return service.machine.succeeds("test", "-e", path) or service.machine.succeeds("test", "-L", path)
