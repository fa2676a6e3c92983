"""Which file system a path is on, from real and written-down mount tables."""

from pathlib import Path

import pytest

from camspool.adapters.watch.file_systems import UNKNOWN, file_system_of, inotify_works

# The order is not that of the tree: after a switch of roots, `/` comes after what is mounted below it.
TABLE = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,size=1234k
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 27 0:40 / /srv/camspool rw shared:7 master:2 - nfs4 nas:/export rw,vers=4.2
31 30 254:0 /disk /srv/camspool/mirror rw - ext4 /dev/vda rw
40 27 0:50 / /mnt/a\040b\134c rw - fuse.sshfs host:/ rw
50 27 0:60 / /data/deep rw - xfs /dev/vdb rw
51 27 0:61 / /data rw - tmpfs tmpfs rw
60 27 0:70 / /media rw - cifs //nas/share rw
61 60 0:71 / /media rw - ext4 /dev/vdc rw
short line
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "ext4"),
        ("/srv/camspool", "nfs4"),
        ("/srv/camspool/drop/a", "nfs4"),
        ("/srv/camspool-old", "ext4"),
        ("/srv/camspool/mirror/a", "ext4"),  # a bind mount inside
        ("/mnt/a b\\c/x", "fuse.sshfs"),
        ("/data/deep/x", "tmpfs"),  # hidden by the later mount above it
        ("/media/x", "ext4"),  # two on one point: the upper one
        ("/dev/disk", "devtmpfs"),
    ],
)
def test_type_at_a_path(path: str, expected: str, tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(TABLE)
    assert file_system_of(Path(path), table) == expected


def test_a_symbolic_link_counts_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    assert file_system_of(tmp_path / "link") == "proc"


def test_this_machine_and_one_without_proc(tmp_path: Path) -> None:
    assert file_system_of(Path("/proc/self")) == "proc"
    assert file_system_of(tmp_path, tmp_path / "missing") == UNKNOWN


@pytest.mark.parametrize("type_", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "vfat"])
def test_local_ones_tell_of_their_changes(type_: str) -> None:
    assert inotify_works(type_)


@pytest.mark.parametrize(
    "type_",
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "fuse",
        "fuse.sshfs",
        "fuseblk",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "vboxsf",
        "virtiofs",
        "davfs",
        "lustre",
        "prl_fs",
        UNKNOWN,
        "",
    ],
)
def test_others_and_unknown_ones_do_not(type_: str) -> None:
    assert not inotify_works(type_)
