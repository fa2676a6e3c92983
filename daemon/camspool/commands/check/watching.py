"""How drop/ will be watched and why, and the kernel's limits for inotify."""

from collections.abc import Iterator

from camspool.adapters.watch import (
    InotifyLimits,
    file_system_of,
    folders_in,
    inotify_limits,
    inotify_works,
    why_inotify,
    why_polling,
)
from camspool.commands.check.result import Result, ok, warning
from camspool.commands.terminal import counted
from camspool.config.settings import Settings
from camspool.core.durations import written


def results(settings: Settings) -> Iterator[Result]:
    """The way of watching, and whether there are enough watches."""
    drop, wanted = settings.folders.drop, settings.watch.mode
    file_system = file_system_of(drop)
    if why := why_polling(wanted, file_system):
        yield ok("watching", f"by polling, every {written(settings.watch.poll)}: {why}")
        return
    found = f"by inotify: {why_inotify(wanted, file_system)}"
    if not inotify_works(file_system):
        yield warning(
            "watching",
            f"{found}, but {file_system} does not report changes made by other machines",
            "Set watch.mode to auto or polling.",
        )
        return
    yield within(inotify_limits(), folders_in(drop), found)


def within(limits: InotifyLimits, folders: int, found: str) -> Result:
    """Whether the limits allow so many watched folders; `found` is what to say before that."""
    if limits.watches is None or limits.instances is None:
        return ok("watching", f"{found}; the kernel's limits cannot be read from here")
    found = f"{found}; {counted(folders, 'folder')} now, and a user may watch {limits.watches:,}"
    if folders > limits.watches // 2:
        needed = max(524_288, 4 * folders)
        return warning(
            "watching",
            f"{found}, in all programs together: when they run out, drop is polled",
            f"sysctl fs.inotify.max_user_watches={needed}, and the same line in /etc/sysctl.d/camspool.conf",
        )
    if limits.instances < 16:
        return warning(
            "watching",
            f"{found}, but only {limits.instances} programs of a user may watch at once",
            "sysctl fs.inotify.max_user_instances=128",
        )
    return ok("watching", found)
