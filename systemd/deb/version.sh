#!/usr/bin/env bash
# Tells which version the package of a checkout has:  version.sh CHECKOUT VERSION
#
# A commit that no tag names a release is told by its date, as apt takes the same version for no upgrade.
set -euo pipefail

checkout=$1
version=$(sed -E 's/\.?(a|b|rc|dev)([0-9])/~\1\2/' <<<"$2")

git_there() { # also for root, in a checkout of somebody else's
    git -c safe.directory="$(realpath "$checkout")" -C "$checkout" "$@"
}

if [ -e "$checkout/.git" ] && ! git_there tag --points-at HEAD | grep -qxE "v?${2//./\\.}"; then
    version+=$(TZ=UTC git_there log -1 --date=format-local:%Y%m%d%H%M%S --format=+git%cd.%h)
fi
echo "$version"
