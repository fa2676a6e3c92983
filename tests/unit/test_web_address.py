"""Download addresses as the vendor's API gives them."""

from urllib.parse import quote, unquote

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from camspool.core.web_address import encoded, origin


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://host.example/a.mp4?sig=1", "https://host.example:443"),
        ("http://host.example/a.mp4", "http://host.example:80"),
        ("HTTPS://Host.Example:8443/a", "https://host.example:8443"),
        ("https://user:word@host.example/a", "https://host.example:443"),
        ("http://[2001:db8::1]:81/a", "http://[2001:db8::1]:81"),
        ("ftp://host.example/a", ""),
        ("https:///a", ""),
        ("http://host:port/", ""),
        ("http://[host/", ""),
        ("", ""),
    ],
)
def test_the_origin_names_scheme_host_and_port(address: str, expected: str) -> None:
    assert origin(address) == expected


HOST = "https://host.example"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/dl/Vchod 1 2026-03-01.mp4", "/dl/Vchod%201%202026-03-01.mp4"),
        ("/dl/Příjezd.mp4?x=ü", "/dl/P%C5%99%C3%ADjezd.mp4?x=%C3%BC"),
        ("/dl/a%20b.mp4?sig=%2F%2f", "/dl/a%20b.mp4?sig=%2F%2f"),
        ("/dl/100%.mp4", "/dl/100%25.mp4"),
        ("/dl/5%-7%zz%4.mp4", "/dl/5%25-7%25zz%254.mp4"),
        ('/dl/gate[1]{2}|^`<>"\\.mp4', "/dl/gate%5B1%5D%7B2%7D%7C%5E%60%3C%3E%22%5C.mp4"),
        ("/dl/a\tb\r\nHost: c\x00.mp4", "/dl/a%09b%0D%0AHost:%20c%00.mp4"),
        ("/dl/a.mp4 \r\n", "/dl/a.mp4"),
        ("/dl/a+b&c=d;e,f@g:h!$'()*~.mp4", "/dl/a+b&c=d;e,f@g:h!$'()*~.mp4"),
        ("/dl/\ud83d.mp4", "/dl/%3F.mp4"),
        ("", ""),
        ("?a b", "?a%20b"),
    ],
)
def test_characters_that_belong_encoded_are_encoded(path: str, expected: str) -> None:
    assert encoded(HOST + path) == HOST + expected
    assert encoded(path) == expected


@pytest.mark.parametrize(
    "address",
    ["http://[2001:db8::1]:81/a", "https://höst.example/a", "//host.example/a", "https://user:word@host/a"],
)
def test_the_host_is_left_alone(address: str) -> None:
    assert encoded(address) == address


@given(st.text(max_size=60))
def test_encoding_twice_changes_nothing(text: str) -> None:
    once = encoded(f"{HOST}/{text}")
    assert encoded(once) == once
    assert once.isascii()
    assert once.isprintable()
    assert " " not in once
    assert once.startswith(HOST + "/")


@given(st.text(st.characters(exclude_characters="%?#", exclude_categories=["Cs"]), max_size=60))
def test_a_server_gets_back_the_name_that_it_put_in(name: str) -> None:
    assume(not {".", ".."} & set(name.split("/")))  # RFC 3986, 5.2.4, removes these wherever they stand
    sent = httpx.URL(encoded(f"{HOST}/dl/{name}/x.mp4")).raw_path.decode("ascii")
    assert unquote(sent) == f"/dl/{name}/x.mp4"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_what_is_encoded_already_reaches_the_server_as_it_is(name: str) -> None:
    path = f"/dl/{quote(name, safe='')}.mp4?sig={quote(name, safe='')}"
    assert httpx.URL(encoded(HOST + path)).raw_path.decode("ascii") == path
