"""The way to the servers: whose certificates are trusted, and whether httpx can use the proxies that are set.

It knows nothing of the servers, or of what is sent.
"""

import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import httpx

from camspool.config.files import read_regular
from camspool.config.settings import Settings
from camspool.core.errors import ConfigurationError
from camspool.core.text import is_clean
from camspool.core.values import Problem

_LARGEST_CA_FILE: Final = 4 * 1024 * 1024
"""Bytes; a file with all public authorities is a quarter of a megabyte."""
_PORTS: Final = {None, *range(1, 65536)}
_CERTIFICATES: Final = "a file with certificates in PEM form"
_PROXY: Final = "the address of a proxy, such as http://proxy.example.org:3128"
_NO_PROXY: Final = (
    "names and addresses with commas between them, such as localhost,127.0.0.1,::1,.example.org"
)


def trusted(settings: Settings, environ: Mapping[str, str]) -> ssl.SSLContext:
    """The context for every connection: the system's authorities, and those in `api.ca_file`.

    It is made once: reading all the certificates takes a small box a good part of a second.

    Raises:
        ConfigurationError: the file, one that the environment names, or a proxy cannot be used.
    """
    problems = (*_unusable_proxies(environ), *_unusable_stores(environ))
    if problems:
        raise ConfigurationError(problems, "the environment")
    return _context(settings.api.ca_file)


@cache
def _context(ca_file: Path | None) -> ssl.SSLContext:
    # Not httpx's own: that trusts the list of certifi alone, which knows no authority of a company's.
    context = ssl.create_default_context()
    # Python 3.13 would refuse certificates that curl and browsers take: https://docs.python.org/3/library/ssl.html
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if ca_file is not None:
        try:
            _add(context, ca_file)
        except (OSError, ValueError) as error:
            problem = Problem("api.ca_file", str(ca_file), f"{_CERTIFICATES}; {_reason(error)}")
            raise ConfigurationError((problem,), "the configuration") from None
    return context


def _add(context: ssl.SSLContext, file: Path) -> None:
    data = read_regular(file, _LARGEST_CA_FILE)
    is_pem = b"-----BEGIN " in data
    context.load_verify_locations(cadata=data.decode("ascii", "ignore") if is_pem else data)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        return "there is no certificate in it"
    return error.strerror or "it cannot be read"


def _unusable_stores(environ: Mapping[str, str]) -> Iterator[Problem]:
    """OpenSSL ignores what it cannot read, and would then trust nobody."""
    if file := environ.get("SSL_CERT_FILE"):
        try:
            _add(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), Path(file))
        except (OSError, ValueError) as error:
            yield Problem("SSL_CERT_FILE", file, f"{_CERTIFICATES}; {_reason(error)}")
    for folder in filter(None, environ.get("SSL_CERT_DIR", "").split(":")):
        if not Path(folder).is_dir():
            yield Problem("SSL_CERT_DIR", folder, "a folder with certificates")


def _unusable_proxies(environ: Mapping[str, str]) -> Iterator[Problem]:
    """The variables at which httpx would end with an exception: https://github.com/encode/httpx/issues/3221."""
    for kind in ("http_proxy", "https_proxy", "all_proxy"):
        name, value = _variable(kind, environ)
        if value and not _is_proxy(value):
            yield Problem(name, "(not shown)", _PROXY)  # there may be a password in it
    name, value = _variable("no_proxy", environ)
    for entry in filter(None, map(str.strip, value.split(","))):
        if not _is_exception(entry):
            yield Problem(name, entry, _NO_PROXY)


def _variable(kind: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """The name that counts, and its value: lower case goes before upper case, as for curl and Python."""
    name = kind if environ.get(kind) else kind.upper()
    return name, environ.get(name, "")


def _is_proxy(value: str) -> bool:
    address = value if "://" in value else f"http://{value}"
    try:
        proxy = httpx.Proxy(address)
        httpx.HTTPTransport(proxy=proxy, verify=False).close()
    except (httpx.InvalidURL, ValueError, TypeError, ImportError):  # ImportError: SOCKS, without its package
        return False
    port = proxy.url.port
    return bool(proxy.url.host) and port in _PORTS and is_clean(value) and " " not in value


def _is_exception(entry: str) -> bool:
    """Whether httpx takes an entry of NO_PROXY."""
    if entry == "*":
        return True
    try:
        httpx.Client(mounts={_pattern(entry): None}, trust_env=False, verify=False).close()  # noqa: S501
    except (httpx.InvalidURL, ValueError, TypeError):
        return False
    return True


def _pattern(entry: str) -> str:
    """What httpx makes of an entry, by its `_utils.get_environment_proxies`."""
    if "://" in entry:
        return entry
    try:
        version = ip_address(entry.partition("/")[0]).version
    except ValueError:
        return f"all://{entry}" if entry.lower() == "localhost" else f"all://*{entry}"
    return f"all://[{entry}]" if version == 6 else f"all://{entry}"
