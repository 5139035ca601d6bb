"""TLS, proxies and netrc: what is honoured on the way to the one origin, and what never is."""

import re
import socket
from pathlib import Path

import trustme

from tests.support.encrypted import http, speaking_tls
from tests.support.hostile import KEY, answering, at, listing, speaking
from tests.support.shell import Shell

BODY = listing(KEY)


def test_an_authority_of_ones_own_is_trusted_where_it_is_named(
    shell: Shell, authority: trustme.CA, ca_file: Path
) -> None:
    with speaking_tls(authority.issue_cert("127.0.0.1"), http(BODY)) as url:
        assert shell(f"keys list --ca-file {ca_file}", env=at(url)).rows[0][1] == "ci"
        refused = shell("keys list", env=at(url), code=6)
        assert "CERTIFICATE_VERIFY_FAILED" in refused.err
        assert "nothing was sent" in refused.err


def test_a_certificate_for_another_name_is_refused(
    shell: Shell, authority: trustme.CA, ca_file: Path
) -> None:
    with speaking_tls(authority.issue_cert("elsewhere.example"), http(BODY)) as url:
        assert "CERTIFICATE_VERIFY_FAILED" in shell(f"keys list --ca-file {ca_file}", env=at(url), code=6).err


def test_a_port_that_speaks_no_tls_is_said_to_be_one(shell: Shell) -> None:
    with speaking(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as plain:
        env = {"ASTALTY_API_KEY": "x", "ASTALTY_BASE_URL": plain.replace("http:", "https:")}
        told = shell("keys create x --plain", env=env, code=6).err
    assert "Check whether that port speaks https; nothing was sent." in told
    assert "_ssl.c" not in told


def test_a_ca_file_that_is_none_is_said(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("not a certificate")
    env = at("https://127.0.0.1:1")
    empty = shell(f"keys list --ca-file {tmp_path}/empty.pem", env=env, code=2).err
    assert f"--ca-file {tmp_path}/empty.pem is not usable: there is no certificate in it.\n" in empty
    assert "PEM" in empty
    assert "'--ca-file'" in shell(f"keys list --ca-file {tmp_path}/absent.pem", env=env, code=2).err


def test_a_proxy_is_asked_to_connect_and_sees_no_key(shell: Shell) -> None:
    heard: list[bytes] = []

    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with speaking(refuse, heard) as proxy:
        env = {**at("https://astalty.example"), "HTTPS_PROXY": proxy}
        assert "Cannot reach" in shell("keys create x --plain", env=env, code=6).err
        assert heard[0].startswith(b"CONNECT astalty.example:443 ")
        assert b"canary" not in b"".join(heard)
        before = len(heard)
        shell("keys list --timeout 2", env={**env, "NO_PROXY": "astalty.example"}, code=6)
        assert len(heard) == before


def test_a_proxy_behind_tls_is_held_to_the_same_authorities(
    shell: Shell, authority: trustme.CA, ca_file: Path
) -> None:
    refuse = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    with speaking_tls(authority.issue_cert("127.0.0.1"), refuse) as proxy:
        env = {**at("https://astalty.example"), "HTTPS_PROXY": proxy}
        trusted = shell(f"keys list --ca-file {ca_file} --timeout 2", env=env, code=6).err
        assert "CERTIFICATE_VERIFY_FAILED" not in trusted
        assert re.search(r"Connection reset by peer|403 Forbidden|broke off", trusted)  # it was reached
        assert "CERTIFICATE_VERIFY_FAILED" in shell("keys list --timeout 2", env=env, code=6).err


def test_no_proxy_stands_between_us_and_loopback(shell: Shell) -> None:
    with answering(("200 OK", {}, BODY)) as (_, url):
        nowhere = "http://127.0.0.1:1"
        env = {**at(url), "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere}
        assert shell("keys list", env=env).rows[0][1] == "ci"


def test_netrc_is_ignored(shell: Shell) -> None:
    (shell.home / ".netrc").write_text("machine 127.0.0.1\nlogin me\npassword netrc\n")
    (shell.home / ".netrc").chmod(0o600)
    with answering(("200 OK", {}, BODY)) as (app, url):
        shell("keys list", env=at(url, "of-the-environment"))
        assert [each["HTTP_AUTHORIZATION"] for each in app.headers] == ["Bearer of-the-environment"]
