#!/bin/sh
# Becomes a systemd of its own: run by machine.py as process 1 of new namespaces, in a control group of its own.
#   boot.sh FOLDER     an empty folder for the machine's file systems
# What the machine writes goes to memory, over a view of this machine's root, and is gone with it.
set -eu
disk=$1
root=$disk/root

mount -t tmpfs -o mode=755 machine "$disk"
mkdir "$disk/written" "$disk/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$disk/written,workdir=$disk/work" machine "$root"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
# Without what this machine has running, enabled and logged.
for folder in run tmp var/log var/lib/systemd etc/systemd/system; do
    mkdir -p "$root/$folder"
    mount -t tmpfs -o mode=755 tmpfs "$root/$folder"
done
chmod 1777 "$root/tmp"
# Images for containers forbid packages to start their services.
rm -f "$root/usr/sbin/policy-rc.d"

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"

# The least that lets services run: sysinit.target and the journal, without what needs hardware or takes its time.
units=$root/etc/systemd/system
cat >"$units/machine.target" <<UNIT
[Unit]
Requires=sysinit.target
After=sysinit.target
UNIT
for unit in systemd-binfmt systemd-firstboot systemd-machine-id-commit systemd-modules-load systemd-random-seed \
    systemd-repart systemd-sysctl systemd-tmpfiles-setup-dev systemd-update-utmp kmod-static-nodes; do
    ln -s /dev/null "$units/$unit.service"
done
for unit in dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount \
    systemd-ask-password-console.path systemd-ask-password-wall.path; do
    ln -s /dev/null "$units/$unit"
done
mkdir "$root/etc/systemd/journald.conf.d" 2>/dev/null || true
cat >"$root/etc/systemd/journald.conf.d/machine.conf" <<CONFIGURATION
[Journal]
Storage=volatile
RateLimitIntervalSec=0
CONFIGURATION

mkdir "$root/run/outside"
cd "$root"
pivot_root . run/outside
cd /
umount --lazy /run/outside
rmdir /run/outside
# As systemd itself does it on a machine that is none of a container: a service's credentials are mounted.
mount --make-rshared /
exec env -i container=machine LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=machine.target --show-status=no --log-target=journal </dev/null
