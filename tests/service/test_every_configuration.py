"""Any configuration either is refused, with every problem by its path, or makes a daemon: none crashes it."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from camspool.config.loading import load
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError
from camspool.core.overview import first_clips
from camspool.service import wiring
from support.builders import NOW, an_entry
from support.configurations import UTC_ZONE

ODD_NUMBERS = [0, -1, 1, 0.5, 10**6, 10**12, 10**30, 1e308, -0.0, 2**31, 2**63, 86400, 36500 * 86400]
ODD_TEXTS = [
    *(
        "",
        " ",
        "null",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "-5s",
        "0s",
        "1ms",
        "36500d",
        "36501d",
        "9" * 5_000,
        "5GiB",
    ),
    *(
        "9" * 30 + "TB",
        "forever",
        "best",
        ">=720",
        "auto",
        "true",
        "Europe/Prague",
        "UTC",
        "..",
        "\u0665",
        "\ud83d",
    ),
    *(
        "/",
        "//x",
        "/\x00",
        "/" + "a" * 300,
        "/dev/null/x",
        "/etc/passwd",
        "x" * 5_000,
        "https://x/",
        "http://[::1]/",
    ),
    *(
        "http://\udcff/",
        "http://x:99999/",
        "https://xn--a/",
        "00:00-24:00",
        "127.0.0.1:0",
        "[::1]:9745",
        "9745",
    ),
    *("done", "done,failed", "mailto://a@b", "'", "/bin/true 'a b'", "2020-05-11", "%", "{}"),
]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from(ODD_NUMBERS)
    | st.floats()
    | st.integers()
    | st.sampled_from(ODD_TEXTS)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(ODD_TEXTS), inner, max_size=2)
    ),
    max_leaves=3,
)


def sections(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Any values under the keys that there are, and now and then under one that there is not."""
    keys = {
        name: sections(type(field.default)) | values if isinstance(field.default, BaseModel) else values
        for name, field in model.model_fields.items()
    }
    return st.fixed_dictionaries({}, optional={**keys, "unknown": values})


LENIENT = settings(
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
    deadline=None,
)


def assert_refused_or_usable(file: Path, environ: dict[str, str]) -> None:
    try:
        found = load(file, environ)
        wiring.build(found, environ, lambda: None)
    except ConfigurationError as error:
        assert error.problems  # noqa: PT017 - both outcomes are right, others are not
        for problem in error.problems:
            json.dumps([problem.path, problem.value, problem.expected], allow_nan=False).encode()
            assert len(problem.sentence) < 1000
        return
    first_clips([an_entry()], NOW, found.requests.delay)  # a date far beyond is none


@LENIENT
@given(sections(Settings))
def test_any_file_is_refused_or_makes_a_daemon(tmp_path: Path, document: dict[str, Any]) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(document))
    assert_refused_or_usable(file, UTC_ZONE)


def leaves(model: type[BaseModel], prefix: str = "") -> list[str]:
    return [
        leaf
        for name, field in model.model_fields.items()
        for leaf in (
            leaves(type(field.default), f"{prefix}{name}.")
            if isinstance(field.default, BaseModel)
            else [prefix + name]
        )
    ]


@settings(LENIENT, max_examples=500)
@given(st.sampled_from(leaves(Settings)), values)
def test_any_value_of_one_key_is_refused_or_makes_a_daemon(tmp_path: Path, key: str, value: Any) -> None:
    document = value
    for name in reversed(key.split(".")):
        document = {name: document}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(document))
    assert_refused_or_usable(file, UTC_ZONE)


NAMES = st.sampled_from([f"CAMSPOOL_{leaf.upper().replace('.', '__')}" for leaf in leaves(Settings)])


@LENIENT
@given(
    st.dictionaries(NAMES | st.text("ABC_", max_size=6).map("CAMSPOOL_".__add__), st.sampled_from(ODD_TEXTS))
)
def test_any_environment_is_refused_or_makes_a_daemon(tmp_path: Path, environ: dict[str, str]) -> None:
    file = tmp_path / "config.yaml"
    file.touch()
    assert_refused_or_usable(file, {**UTC_ZONE, **environ})
