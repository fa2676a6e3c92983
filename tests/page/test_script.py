"""The form of the page's data, and the page itself: no text becomes markup."""

import base64
import hashlib
import re

import pytest

from camspool.page import script
from support.page import HOSTILE


def test_text_is_never_markup_and_comes_back_as_it_was() -> None:
    data = script.dump("day", {HOSTILE: [HOSTILE, None, 1.5, True]})
    assert data.isascii()
    assert b"<" not in data
    assert script.load("day", data) == {HOSTILE: [HOSTILE, None, 1.5, True]}


@pytest.mark.parametrize(
    "data",
    [
        *(None, b"", b"camspool.day({});", b"camspool.now({});\n", b"camspool.day({);\n"),
        *(b"camspool.day(NaN);\n", b"camspool.day(-1e999);\n", b"camspool.day(" + b"[" * 99_999 + b");\n"),
    ],
)
def test_what_is_no_data_of_this_name_is_none(data: bytes | None) -> None:
    assert script.load("day", data) is None


def test_only_the_pages_own_script_and_style_may_run() -> None:
    html = script.html().decode()
    assert html.startswith("<!doctype html>")
    for tag in ("script", "style"):
        [inline] = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src" in html
        assert f"'sha256-{digest}'" in html
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", html), "nothing comes from a network"
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", html)
