"""What is taken for a secret, in JSON and in any other text, and that all else stays as it was."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astalty_cli.base import hiding
from astalty_cli.base.secret_patterns import is_credential
from astalty_cli.services.history.redaction import hidden, redacted

CANARY = "canary8f3e11"


def in_body(text: str) -> str:
    """What becomes of a body that was no JSON."""
    body: str = json.loads(redacted(json.dumps({"request": {"body": text}}).encode()))["request"]["body"]
    return body


@pytest.mark.parametrize(
    "name",
    [
        "password", "passwd", "pwd", "secret", "client_secret", "token", "access_token", "refreshToken",
        "id_token", "api_key", "apikey", "x-api-key", "X-API-Key", "APIKey", "private_key", "authorization",
        "Proxy-Authorization", "cookie", "Set-Cookie", "csrf", "XSRF-TOKEN", "session", "PHPSESSID",
        "signature", "X-Astalty-Signature", "otp", "PIN", "passphrase", "credentials", "userPassword",
        "api-key", "X-Auth-Token", "new_password_confirmation", "user[password]", "plainTextToken",
        "accesstoken", "aws_secret_access_key", "Password1", "session_id",
    ],
)  # fmt: skip
def test_names_of_credentials(name: str) -> None:
    assert is_credential(name)


@pytest.mark.parametrize(
    "name",
    [
        "token_count", "secretary", "pinned", "opinion", "last_four", "api_key_id", "api_key_name",
        "spinning", "filter[api_key_id]", "secret_already_shown", "public_key", "passport", "obsession",
        "author", "name", "grace_seconds", "if_rotation", "Idempotency-Key", "key", "page[size]", "tokenizer",
        "assigned", "",
    ],
)  # fmt: skip
def test_names_of_other_things(name: str) -> None:
    assert not is_credential(name)


@pytest.mark.parametrize(
    "text",
    [
        '{"password": "%s',
        '{"password": "x\\" %s',
        '{"a": 1, "credentials": {"a": ["%s"',
        '{"payload": "{\\"password\\": \\"%s',
        '{"pass\\u0077ord": "%s"}',
        '{"password": "%s", "password": "%s"}',
        'in 5" of text: {"password": "%s", "n": 1}',
        "{'password': '%s'}",
        '{password: "%s"}',
        "a=b&password=%s&c=d",
        "password=correct horse %s&c=d",
        "p%%61ssword=%s",
        "user%%5Bpassword%%5D=%s",
        "next=https%%3A%%2F%%2Fx.example%%3Ftoken%%3D%s",
        "a=%%7B%%22password%%22%%3A%%22%s%%22%%7D",
        "GET /x?access_token=%s HTTP/1.1",
        "X-Api-Key: %s\r\nAccept: */*",
        "password: correct horse %s",
        "<login><password>%s</password></login>",
        "<password><![CDATA[<%s>]]></password>",
        '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n%s\r\n--b--',
        "https://jo:%s@x.example/",
        "Bearer %s",
        "-----BEGIN PRIVATE KEY-----\n%s\n",
        "7|%s" + "a" * 30,
        "see 7%%7C%s" + "a" * 30,
        '{"plainTextToken": "7|%s',
        "the end was cut: 12|%s",
        '{"a": {"b": "-----BEGIN PRIVATE KEY-----\\n%s',
    ],
)
def test_a_secret_in_any_text_is_hidden(text: str) -> None:
    shown = in_body(text.replace("%s", CANARY).replace("%%", "%"))
    assert CANARY not in shown
    assert "[redacted]" in shown


@pytest.mark.parametrize("text", ["a=b&password=%s&c=d", '{"password": "%s", "c": "d"}', "see token=%s c=d"])
def test_what_stands_beside_a_secret_stays(text: str) -> None:
    assert in_body(text % CANARY) == text % "[redacted]"


@pytest.mark.parametrize(
    "text",
    [
        "The token field is required.",
        "Basic information, Bearer authentication, basic assistance",
        "a=b&c=%C3%A9&page%5Bsize%5D=5",
        '{"message": "cut',
        "https://x.example:8080/a@b",
        "token=[secret]&password=[redacted]",
        "2026-11-01T05:33:52.000000Z",
    ],
)
def test_text_without_a_secret_stays(text: str) -> None:
    assert in_body(text) == text


HARMLESS = st.text().filter(lambda text: not set(text) & set(":=>") and "eyJ" not in text)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HARMLESS,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "pinned", "é", '"']), inner),
)


@given(ANY_JSON, st.booleans(), st.sampled_from([None, 1]))
def test_json_without_a_secret_stays_byte_for_byte(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    raw = json.dumps({"request": {"body": value}}, ensure_ascii=ascii_only, indent=indent)
    spelled = raw.encode("utf-8", "surrogatepass")
    assert redacted(spelled) == spelled


@given(ANY_JSON, ANY_JSON)
def test_a_credential_is_hidden_whatever_it_is(value: object, other: object) -> None:
    raw = json.dumps({"request": [{"token": value, "b": other}]}).encode()
    assert redacted(raw) == json.dumps({"request": [{"token": "[redacted]", "b": other}]}).encode()


@given(st.text().filter(lambda text: "Q" not in text), st.integers(0, 60))
def test_a_cut_never_lets_a_secret_out(before: str, length: int) -> None:
    whole = json.dumps({"a": [before], "b": {"password": "QQQQQQQQQQQQ", "c": 1}})
    assert "Q" not in in_body(whole[: len(whole) - length])


def test_the_names_of_the_entry_itself_are_no_credentials() -> None:
    entry = b'{ "api_key" : {"id": "x", "name": "y"}, "request": {"api_key": {"id": "x"}} }'
    assert redacted(entry) == (
        b'{ "api_key" : {"id": "x", "name": "y"}, "request": {"api_key": "[redacted]"} }'
    )


@pytest.mark.parametrize(
    "hostile",
    [
        '"' * 60_000, '\\"' * 30_000, "[" * 60_000, "a=" * 30_000, 'name="a"\n' * 7_000, "<a " * 20_000,
        '"a":{' * 12_000, "a:" * 30_000, "://a:" * 12_000, "bearer " * 9_000, "a=%25" + "25" * 30_000,
        " " * 60_000 + ":", '\\"token\\": \\"' * 4_000, "eyJaaaaaaaaa." * 4_000,
        "-----BEGIN PRIVATE KEY-----" * 2_000, "%" * 60_000, "a" * 60_000, '{"a":"' * 10_000,
        ":" + "\\" * 60_000, "a=" + "\\" * 60_000, 'name="a"' * 40_000, "-eyJaaaaa" * 30_000,
        "-----BEGIN " + "PRIVATE KEY" * 30_000, 'name="pin"\n\n[redacted]\n' * 20_000,
        "pin: [redacted], " * 30_000, "pin=[redacted]:" * 30_000, '"pin"=[redacted] ' * 30_000,
    ],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_a_body_made_to_be_slow_is_not(hostile: str) -> None:
    started = time.process_time()
    in_body(hostile)
    assert time.process_time() - started < 5


def test_a_key_that_was_seen_is_hidden_without_a_name_and_without_a_shape() -> None:
    hiding.see(key := "k9$#|Seen4redaction")
    assert in_body(f"a {key} b") == "a [secret] b"


def test_what_was_hidden_is_counted() -> None:
    assert hidden("a", "a") == 0
    assert hidden("a [redacted] b", "a [redacted] [redacted]") == 1
    assert hidden("a [redacted] b", "[redacted]") == 1


def test_the_last_four_stay_under_their_own_name_alone() -> None:
    entry = '{"request": {"password": "Bearer …abcd", "Authorization": "Bearer …abcd"}}'
    hidden_one = '{"request": {"password": "[redacted]", "Authorization": "Bearer …abcd"}}'
    assert redacted(entry.encode()) == hidden_one.encode()


def test_of_an_entry_that_is_larger_than_any_bodies_and_headers_are_hidden() -> None:
    side = {"headers": {"a": "b"}, "body": [CANARY] * 200_000, "truncated": False}
    entry = {"id": "x", "status": 200, "request": side, "response": None, "other": CANARY}
    shown = json.loads(redacted(json.dumps(entry).encode()))
    assert shown["request"] == {"headers": "[redacted]", "body": "[redacted]", "truncated": True}
    assert (shown["id"], shown["status"], shown["response"]) == ("x", 200, None)
    assert CANARY not in json.dumps(shown)


def test_two_bodies_of_the_most_that_is_kept_are_read() -> None:
    side = {"headers": {}, "body": "\x01" * 64 * 1024, "truncated": True}
    entry = json.dumps({"id": "x", "request": side, "response": side}).encode()
    assert redacted(entry) == entry
