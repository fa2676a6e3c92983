#!/usr/bin/env bash
# Makes a Debian package of this checkout:  build.sh FOLDER [EXTRA,...]
#
# It holds a virtual environment for the machine's own Python, whose minor version it depends on, as wheels are made for
# one; so make it on the release it is for. An earlier package in FOLDER is deleted.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(dirname "$(dirname "$here")")
output=$(mkdir -p "$1" && cd "$1" && pwd)
extras=${2:+[$2]}

home=/opt/camspool
python=/usr/bin/python3 # no other: a service cannot look into somebody's home
units=/usr/lib/systemd/system

"$python" -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python has to be 3.11 or later, with venv (apt-get install python3-venv)" >&2
    exit 1
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
umask 022

put() { # put FILE TARGET: as everybody may read it
    install -D -m 644 "$checkout/$1" "$root$2"
}

minor() { # minor NUMBER: the Python that is built for, or the one so many after it
    "$python" -c "import sys; print('%d.%d' % (sys.version_info[0], sys.version_info[1] + $1))"
}

install_program() {
    local venv=$root$home
    "$python" -m venv "$venv"
    # PyAV is not built here: that takes FFmpeg's sources and, on a small machine, hours.
    "$venv/bin/python" -m pip --disable-pip-version-check --quiet --quiet install --no-compile --only-binary av \
        "$checkout$extras" || {
        echo "If there is no av for this machine: make deb EXTRAS=, a package without pictures on the page" >&2
        return 1
    }
    "$venv/bin/python" -m pip --quiet --quiet uninstall --yes pip setuptools
    find "$venv/bin" -mindepth 1 ! -name 'python*' ! -name camspool -delete
    # What tells where it was built is of no use where it is installed.
    find "$venv" -name direct_url.json -delete
    sed -i '/^command = /d' "$venv/pyvenv.cfg"
    sed -i "1s|^#!.*|#!$home/bin/python3|" "$venv/bin/camspool"
    # The service cannot write there, and root shall not: so everything is compiled now, whatever the files' dates.
    find "$venv" -name __pycache__ -prune -exec rm -rf {} +
    "$python" -m compileall -q --invalidation-mode unchecked-hash -s "$root" -p / "$venv"
    version=$("$venv/bin/python" -c 'import camspool; print(camspool.__version__)')
    package_version=$("$here/version.sh" "$checkout" "$version")
    mkdir -p "$root/usr/bin"
    ln -s "$home/bin/camspool" "$root/usr/bin/camspool"
}

install_documentation() { # from the installed program itself, so that it cannot differ
    local venv=$root$home
    mkdir -p "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions" \
        "$root/usr/share/zsh/vendor-completions" "$root/usr/share/fish/vendor_completions.d"
    "$venv/bin/python" -B -c 'from camspool import __version__
from camspool.cli import main
from camspool.commands.manual import page
print(page(main, __version__), end="")' | gzip -9n >"$root/usr/share/man/man1/camspool.1.gz"
    _CAMSPOOL_COMPLETE=bash_source "$venv/bin/python" -B -m camspool >"$root/usr/share/bash-completion/completions/camspool"
    _CAMSPOOL_COMPLETE=zsh_source "$venv/bin/python" -B -m camspool >"$root/usr/share/zsh/vendor-completions/_camspool"
    _CAMSPOOL_COMPLETE=fish_source "$venv/bin/python" -B -m camspool >"$root/usr/share/fish/vendor_completions.d/camspool.fish"
    put config.example.yaml /usr/share/doc/camspool/examples/config.yaml
}

install_files() {
    local manager
    put systemd/camspool.service "$units/camspool.service"
    put systemd/sysusers.conf /usr/lib/sysusers.d/camspool.conf
    put systemd/tmpfiles.conf /usr/lib/tmpfiles.d/camspool.conf
    put config.example.yaml /etc/camspool/config.yaml
    chmod 640 "$root/etc/camspool/config.yaml" # addresses of notices hold passwords; postinst gives it its group
    for file in README.md INTEGRATE.md OPERATE.md SECURITY.md CHANGELOG.md tests/system/page.png; do put "$file" "/usr/share/doc/camspool/$file"; done
    put LICENSE /usr/share/doc/camspool/copyright
    for file in folders nas-group notices; do
        put "systemd/examples/$file.conf" "/usr/share/doc/camspool/examples/$file.conf"
    done
    manager=$(systemctl --version 2>/dev/null | awk 'NR == 1 { print $2 }') || manager=
    oldest_manager=252
    if [ "${manager%%[!0-9]*}" -ge 253 ] 2>/dev/null; then
        put systemd/examples/notify-reload.conf "$units/camspool.service.d/notify-reload.conf"
        oldest_manager=253
    fi
}

describe() {
    mkdir "$root/DEBIAN"
    cat >"$root/DEBIAN/control" <<CONTROL
Package: camspool
Version: $package_version
Architecture: $(dpkg --print-architecture)
Maintainer: camspool contributors <camspool@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: python3 (>= $(minor 0)~), python3 (<< $(minor 1)~), systemd (>= $oldest_manager), init-system-helpers
Section: video
Priority: optional
Description: drop a request file, get the MP4
 A service that watches a folder for request files, fetches the recordings from
 the Survilla/NetRex camera cloud, checks them, and puts each MP4 next to a
 status file in a mirror of the folder tree.
CONTROL
    echo /etc/camspool/config.yaml >"$root/DEBIAN/conffiles"
    install -m 755 "$here/postinst" "$here/prerm" "$here/postrm" "$root/DEBIAN"
}

install_program
install_documentation
install_files
describe
rm -f "$output"/camspool_*.deb
dpkg-deb --root-owner-group -Zzstd --build "$root" "$output" | sed 's/^dpkg-deb: //'
