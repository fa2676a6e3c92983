"""Configurations for tests: loaded from a text, or what is wrong with it."""

from pathlib import Path
from typing import Final

import pytest

from camspool.config.loading import load
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError

UTC_ZONE: Final = {"TZ": "UTC"}
SECRET: Final = "s3cr3t-t0ken"  # noqa: S105 - made up


def loaded(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return load(file, {**UTC_ZONE, **environ})


def problems(tmp_path: Path, text: str, **environ: str) -> dict[str, str]:
    """Path -> sentence."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, text, **environ)
    error = caught.value
    assert error.source == str(tmp_path / "config.yaml")
    assert all(problem.sentence in str(error) for problem in error.problems)
    assert SECRET not in repr(error) + repr(error.problems) + repr(error.__cause__)
    return {problem.path: problem.sentence for problem in error.problems}
