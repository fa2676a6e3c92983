"""Download addresses as the vendor's API gives them."""

import pytest

from camspool.core.web_address import origin


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
