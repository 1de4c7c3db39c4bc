"""What others name is reached only where it is public, at the address that was checked, in bounded time."""

import socket
import time
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from medimaging.common import outbound
from medimaging.common.outbound import ForbiddenAddress, Unreachable, checked_url, is_public, post
from tests.receiver import receiving


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://0.0.0.0/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://8.8.8.8@127.0.0.1/",
        "https://user:secret@8.8.8.8/",
        "https://8.8.8.8/#part",
        "http://8.8.8.8/",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "gopher://8.8.8.8/",
        "https://",
        "https:///path",
        "https://8.8.8.8:99999/",
        "https://[::1",
        "https://8.8.8.8/ x",
        "https://8.8.8.8/\r\nX: 1",
        "https://8.8.8.8/" + "x" * 500,
        "https://no-such-name.invalid/",
        "",
        "x",
    ],
)
def test_what_is_not_a_public_https_address_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        checked_url(url)


@pytest.mark.parametrize(
    "url", ["https://8.8.8.8/", "https://8.8.8.8:8443/a?b=c", "https://[2606:4700::1111]/"]
)
def test_a_public_https_address_is_allowed(url: str) -> None:
    assert checked_url(url).geturl() == url


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _answers("8.8.8.8", "10.0.0.1"))
    with pytest.raises(ForbiddenAddress, match="not a public one"):
        checked_url("https://two-faced.example/")


def test_a_name_that_changes_between_check_and_connection_reaches_nothing_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [_answers("8.8.8.8"), _answers("127.0.0.1")]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *a, **k: (answers.pop(0) if answers else _answers("127.0.0.1"))()
    )
    with receiving() as receiver, pytest.raises(ForbiddenAddress, match="not a public one"):
        post(f"https://rebinding.example:{receiver.port}/", body="{}", headers={})
    assert receiver.received == []


def test_the_connection_goes_to_the_very_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    connected: list[Any] = []
    real = socket.create_connection

    def connect(address: Any, *arguments: Any, **named: Any) -> Any:
        connected.append(address)
        return real(address, *arguments, **named)

    monkeypatch.setattr(socket, "create_connection", connect)
    with receiving() as receiver:
        assert post(receiver.url.replace("127.0.0.1", "localhost"), body="{}", headers={}) == 204
        assert connected == [("127.0.0.1", receiver.port)]
        ((_, headers, _),) = receiver.received
        assert headers["Host"] == f"localhost:{receiver.port}"


def test_an_allowed_network_opens_itself_alone(settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.0.0.0/8"]
    assert checked_url("http://10.1.2.3/")
    for url in ("http://127.0.0.1/", "https://192.168.0.1/"):
        with pytest.raises(ForbiddenAddress):
            checked_url(url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(settings: Settings, status: int) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with receiving() as receiver, receiving() as other:
        receiver.answers, receiver.location = [status], other.url
        assert post(receiver.url, body="{}", headers={}) == status
        assert other.received == []


def test_an_answer_that_drips_ends_at_the_deadline(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 1.0)
    with receiving() as receiver:
        receiver.drips = True
        began = time.monotonic()
        with pytest.raises(Unreachable):
            post(receiver.url, body="{}", headers={})
        assert time.monotonic() - began < 30


def test_nobody_there_is_said(settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with receiving() as receiver:
        url = receiver.url
    with pytest.raises(Unreachable, match="ConnectError"):
        post(url, body="{}", headers={})


def test_addresses_in_disguise_are_told() -> None:
    import ipaddress

    for text in ("::ffff:192.168.0.1", "64:ff9b::a00:1", "2002:a00:1::"):
        assert not is_public(ipaddress.ip_address(text))


def _answers(*addresses: str) -> Any:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    return lambda *arguments, **named: found
