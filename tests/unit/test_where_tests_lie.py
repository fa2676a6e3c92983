"""Where the tests of a module lie: in the file that one would guess, or in the one that is named here."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "daemon/camspool"

FOLDERS: Final = {"core": "unit", "config": "unit", "aio": "unit", "__main__": "commands", "cli": "commands"}
"""Where the tests of a layer lie, if not in the folder of its own name."""

ELSEWHERE: Final = {
    "__main__": "commands/test_cli.py",
    "adapters/notify/apprise_sender": "adapters/test_services.py",
    "adapters/notify/channel": "service/test_notifications.py",
    "adapters/notify/flag": "service/test_notifications_end_to_end.py",
    "adapters/system_clock": "adapters/test_ports.py",
    "commands/advice": "commands/test_status.py",
    "commands/api": "commands/test_cameras.py",
    "commands/cancel/": "commands/test_cancel_and_retry.py",
    "commands/demo/": "system/test_demo.py",
    "commands/invocation": "commands/test_cli.py",
    "commands/manual": "commands/test_cli.py",
    "commands/program": "commands/test_cli.py",
    "commands/request_names": "commands/test_completion.py",
    "commands/retry/": "commands/test_cancel_and_retry.py",
    "commands/schema": "commands/test_cli.py",
    "commands/simulator": "commands/test_cli.py",
    "commands/targets": "commands/test_verify.py",
    "commands/terminal": "commands/test_status.py",
    "config/cell": "service/test_reload.py",
    "config/excerpts": "service/test_reload.py",
    "config/files": "unit/test_token.py",
    "config/requirements": "commands/test_check.py",
    "config/zone_names": "unit/test_loading.py",
    "core/addresses": "unit/test_settings.py",
    "core/camera_list": "commands/test_cameras.py",
    "core/errors": "adapters/test_ports.py",
    "core/events": "unit/test_lifecycle.py",
    "core/fields": "unit/test_request_parser.py",
    "core/figures": "unit/test_exposition.py",
    "core/file_errors": "adapters/test_durable.py",
    "core/free_space": "pipeline/test_disk_space.py",
    "core/mount_table": "adapters/test_nested_mounts.py",
    "core/notices": "service/test_notifications.py",
    "core/ports": "adapters/test_ports.py",
    "core/problems": "unit/test_request_parser.py",
    "core/status_document": "unit/test_document.py",
    "core/trouble": "unit/test_lifecycle.py",
    "core/values": "unit/test_document.py",
    "page/picture": "page/test_posters.py",
    "pipeline/camera_directory": "pipeline/test_steps.py",
    "pipeline/clock_watch": "pipeline/test_clocks.py",
    "pipeline/completion": "pipeline/test_intake.py",
    "pipeline/leftovers": "pipeline/test_restart.py",
    "pipeline/outages": "pipeline/test_restart.py",
    "pipeline/triage": "pipeline/test_intake.py",
    "pipeline/turns": "pipeline/test_cleanup.py",
    "service/announcements": "service/test_heartbeat.py",
    "service/arrivals": "pipeline/test_intake.py",
    "service/camera_file": "commands/test_cameras.py",
    "service/daemon": "pipeline/test_restart.py",
    "service/health": "service/test_metrics.py",
    "service/wiring": "service/test_every_configuration.py",
    "simulator/control": "simulator/test_faults.py",
    "simulator/delivery": "simulator/test_download_faults.py",
    "simulator/font": "simulator/test_clips.py",
    "simulator/footage": "simulator/test_api.py",
    "simulator/portal": "simulator/test_api.py",
    "simulator/record": "simulator/test_faults.py",
    "simulator/schema": "simulator/test_api.py",
    "simulator/server": "simulator/test_api.py",
    "simulator/settings": "simulator/test_api.py",
    "simulator/wire": "simulator/test_download_faults.py",
}
"""The file that covers a module, or a package (with `/` at its end), which has no file of its own."""


def test_the_tests_of_each_module_are_found_in_one_guess() -> None:
    modules = {path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")}
    modules = {module for module in modules if module.name != "__init__"}
    lost = {module for module in modules if not has_tests_of_its_name(module)}
    assert sorted(str(module) for module in lost if not named_for(module)) == [], "name its file in ELSEWHERE"
    needed = {name for module in lost for name in named_for(module)}
    assert sorted(ELSEWHERE.keys() - needed) == [], "these are not needed any more"


def test_the_files_that_are_named_exist() -> None:
    assert [file for file in ELSEWHERE.values() if not (ROOT / "tests" / file).exists()] == []


def has_tests_of_its_name(module: Path) -> bool:
    """Whether there is `test_NAME.py` for the module itself, or for a package that it is in."""
    layer, *inner = module.parts
    folder = ROOT / "tests" / FOLDERS.get(layer, layer)
    return any((folder / f"test_{name}.py").exists() for name in inner or [layer])


def named_for(module: Path) -> list[str]:
    return [name for name in ELSEWHERE if name == str(module) or f"{module}/".startswith(name)]
