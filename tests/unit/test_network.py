"""Whose certificates are trusted, and which proxy settings are refused before httpx meets them."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camspool.config.loading import load
from camspool.config.network import trusted
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError
from support.configurations import UTC_ZONE
from support.servers import CERTIFICATE, FaultyServer

VARIABLES = tuple(
    name for kind in ("http", "https", "all", "no") for name in (f"{kind}_proxy", f"{kind}_PROXY".upper())
)


def problems(environ: dict[str, str], **api: str) -> dict[str, str]:
    """Which variable or key is refused, and in which words; nothing when all of them can be used."""
    settings = load(
        None, {**UTC_ZONE, **{f"CAMSPOOL_API__{name.upper()}": value for name, value in api.items()}}
    )
    try:
        trusted(settings, environ)
    except ConfigurationError as error:
        return {problem.path: problem.sentence for problem in error.problems}
    return {}


# --- Proxies


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NO_PROXY", "localhost,[::1]"),
        ("no_proxy", "[fe80::1]:80"),
        ("NO_PROXY", "fe80::/10"),
        ("NO_PROXY", "example.org,localhost:http"),
        ("HTTPS_PROXY", "socks5://proxy:1080"),  # without the package for it
        ("HTTP_PROXY", "ftp://proxy"),
        ("ALL_PROXY", "http://proxy:port"),
        ("all_proxy", "http://proxy:99999"),
        ("https_proxy", "http://"),
        ("https_proxy", "   "),
        ("HTTPS_PROXY", "http://user:pass word@proxy:3128"),
    ],
)
def test_a_proxy_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    found = problems({name: value})
    assert list(found) == [name]
    assert "pass word" not in found[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NO_PROXY", "localhost, 127.0.0.1,::1,.example.org,192.168.0.0/16,*.example.com,"),
        ("NO_PROXY", "*"),
        ("HTTPS_PROXY", "http://user:password@proxy.example.org:3128"),
        ("HTTP_PROXY", "proxy:3128"),
        ("ALL_PROXY", "http://[2001:db8::1]:3128/"),
        ("HTTPS_PROXY", ""),
    ],
)
def test_proxy_settings_that_can_be_used(name: str, value: str) -> None:
    assert problems({name: value}) == {}


def test_lower_case_counts_where_both_are_there() -> None:
    assert problems({"no_proxy": "localhost", "NO_PROXY": "[::1]"}) == {}
    assert list(problems({"no_proxy": "[::1]", "NO_PROXY": "localhost"})) == ["no_proxy"]


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in VARIABLES if name in os.environ}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]
        os.environ.update(before)


PIECES = st.sampled_from(
    [
        *(
            "localhost",
            "127.0.0.1",
            "::1",
            "[::1]",
            "fe80::1%eth0",
            "example.org",
            ".example.org",
            "*.a",
            "*",
            "a b",
        ),
        *(
            "http://",
            "https://",
            "socks5://",
            "socks4://",
            "ftp://",
            "://",
            ":",
            "@",
            "/",
            "8080",
            ":8080",
            ":0",
        ),
        *(
            ":65536",
            "user",
            "pass word",
            "[",
            "]",
            "%",
            "%zz",
            ",",
            ", ",
            ";",
            " ",
            "\u00fc",
            "\u0665",
            "-",
            "..",
            "?",
            "#",
        ),
        *("192.168.0.0/16", "10.0.0.1/33", "::1/128", "\x7f", "\udcff"),
    ]
)
VALUES = st.lists(PIECES, max_size=5).map("".join)


@given(st.dictionaries(st.sampled_from(VARIABLES), VALUES, max_size=4))
def test_what_is_not_refused_makes_a_client_and_fails_as_calls_do(values: dict[str, str]) -> None:
    if problems(values):
        return
    with environment(values):
        asyncio.run(_call())


async def _call() -> None:
    """Nothing answers, through whichever proxy; all but the errors that calls have anyway is a crash."""
    async with httpx.AsyncClient(verify=False, timeout=0.001) as client:  # noqa: S501 - no certificate is met
        with pytest.raises((httpx.HTTPError, httpx.InvalidURL)):
            await client.get("http://192.0.2.1:9/")


# --- Certificates


def reaches(context: ssl.SSLContext) -> bool:
    """Whether a server of the tests' own authority is believed."""
    with FaultyServer(lambda exchange: exchange.answer(b""), tls=True) as server:
        try:
            return httpx.get(server.url("/"), verify=context, trust_env=False).status_code == 200
        except httpx.ConnectError as error:
            assert "CERTIFICATE_VERIFY_FAILED" in str(error)  # noqa: PT017 - both outcomes are right, others are not
            return False


def with_ca_file(file: Path | None) -> Settings:
    return load(None, {**UTC_ZONE, **({} if file is None else {"CAMSPOOL_API__CA_FILE": str(file)})})


def test_an_authority_of_ones_own_is_trusted_besides_the_systems() -> None:
    without, beside = trusted(with_ca_file(None), {}), trusted(with_ca_file(CERTIFICATE), {})
    assert not reaches(without)
    assert reaches(beside)
    assert len(beside.get_ca_certs()) == len(without.get_ca_certs()) + 1


def test_the_systems_store_is_trusted_and_not_the_list_of_certifi(tmp_path: Path) -> None:
    code = (
        "from camspool.config.settings import Settings; from camspool.config.network import trusted\n"
        "import os; print(len(trusted(Settings(), os.environ).get_ca_certs()))"
    )
    environ = {**os.environ, "SSL_CERT_FILE": str(CERTIFICATE), "SSL_CERT_DIR": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert found.stdout == "1\n"


def test_a_certificate_in_another_form_is_taken_too(tmp_path: Path) -> None:
    pem = CERTIFICATE.read_text()
    pem = pem[pem.index("-----BEGIN CERTIFICATE") :]
    (tmp_path / "ca.der").write_bytes(ssl.PEM_cert_to_DER_cert(pem))
    (tmp_path / "ca.pem").write_text(f"# our own authority \u017e\n{pem}", "utf-8")
    assert reaches(trusted(with_ca_file(tmp_path / "ca.der"), {}))
    assert reaches(trusted(with_ca_file(tmp_path / "ca.pem"), {}))


@pytest.mark.timeout(20)
def test_a_file_of_authorities_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("no certificate")
    (tmp_path / "broken").write_text("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    os.mkfifo(tmp_path / "pipe")
    for name in ("empty", "text", "broken", "binary", "pipe", "missing", "."):
        file = str(tmp_path / name)
        assert list(problems({}, ca_file=file)) == ["api.ca_file"]
        assert list(problems({"SSL_CERT_FILE": file})) == ["SSL_CERT_FILE"]
    assert list(problems({"SSL_CERT_DIR": f"{tmp_path}:{tmp_path}/missing"})) == ["SSL_CERT_DIR"]
