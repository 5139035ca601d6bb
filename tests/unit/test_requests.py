"""What `astalty api` may send: paths at the origin, headers without keys, no call that makes a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astalty_cli.base.errors import UsageError
from astalty_cli.base.vocabulary import HIDDEN
from astalty_cli.services.requests.answer import key_in, without_secret
from astalty_cli.services.requests.fields import parse
from astalty_cli.services.requests.pages import numbered
from astalty_cli.services.requests.request import request

KEY_ID = "9ee9dc30-c869-4fb5-9871-b32850e68cad"
SECRET = "astalty_" + "c4naryC4nary" * 3 + "0123456789"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("participants", "/public/v1/participants"),
        ("/participants", "/public/v1/participants"),
        ("/public/v1/participants", "/public/v1/participants"),
        ("public/v1/participants", "/public/v1/participants"),
        ("/docs/openapi.json", "/docs/openapi.json"),
        ("p?page[number]=2&filter[x]=a,b:c@d", "/public/v1/p?page[number]=2&filter[x]=a,b:c@d"),
        ("p?q=%5B%e9&r=é", "/public/v1/p?q=%5B%e9&r=%C3%A9"),
        ('p/é?q="<>', "/public/v1/p/%C3%A9?q=%22%3C%3E"),
        ("p?q=https://example.com/../x", "/public/v1/p?q=https://example.com/../x"),
        ("*x", "/public/v1/*x"),
    ],
)
def test_a_path_becomes_what_is_sent(typed: str, sent: str) -> None:
    assert request(typed).target == sent


ELSEWHERE = [
    "https://evil.example/x", "HTTPS://evil.example", "http:evil", "//evil.example", "///evil",
    "/\\evil", "\\\\evil",
    "%2f%2fevil", "%2F/evil", "/%2fevil", "%252f%252fevil", "%68ttp://evil", "javascript:x",
    "../x", "participants/../x", "participants/..",
    "a/%2e%2e/x", "a/%2E./x", "a/%252e%252e/x", "a/..;/x", "a/./x",
    "/docs/../public/v1/api-keys", "/docs/%2e%2e/x", "user@evil", "a/%40evil", "a%5cevil",
    "a b", "a\tb", "a\nb", "a\r\nX: y",
    "a%0d%0aX", "a%00", "a%09", "a\x00", "a\x1b[31m", "a\u2028b", "a\u202eb", "x#y",
    "", "/", "?a=b", " ", "%2f", "%" + "25" * 20 + "2e",
]  # fmt: skip


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(UsageError):
        request(path)


@given(st.text("ab/.%25eEfFcC:@?\\;\t é", max_size=12))
def test_whatever_is_sent_is_ascii_below_the_origin(path: str) -> None:
    try:
        made = request(path)
    except UsageError:
        return
    assert made.target.startswith(("/public/v1/", "/docs/"))
    assert made.target.isascii()
    assert made.target.isprintable()
    assert " " not in made.target
    assert not {".", ".."} & set(made.path.split("/"))


def test_the_method_is_get_until_something_is_sent() -> None:
    field = [parse("a=1", typed=False)]
    assert request("x").method == "GET"
    assert request("x", fields=field).method == "POST"
    assert request("x", body=b"").method == "POST"
    assert request("x", method="patch", fields=field).method == "PATCH"
    for unknown in ("HEAD", "OPTIONS", "TRACE", "FETCH", "", "get "):
        with pytest.raises(UsageError, match="is not one of") as refused:
            request("x", method=unknown)
        assert "-X" in refused.value.hint
    with pytest.raises(UsageError, match="no body"):
        request("x", method="GET", body=b"{}")


def test_fields_go_where_the_call_has_room_for_them() -> None:
    fields = [parse("filter[status]=a b&c", typed=False), parse("n=é", typed=False)]
    query = "filter[status]=a+b%26c&n=%C3%A9"
    assert request("x?y=1", method="GET", fields=fields).target == f"/public/v1/x?y=1&{query}"
    assert request("x?", method="GET", fields=fields).target == f"/public/v1/x?{query}"
    beside = request("x", fields=fields, body=b"not json")
    assert (beside.method, beside.target, beside.body) == ("POST", f"/public/v1/x?{query}", b"not json")
    within = request("x?y=1", fields=fields)
    assert within.target == "/public/v1/x?y=1"
    assert within.body == '{"filter":{"status":"a b&c"},"n":"é"}'.encode()
    assert request("x", method="DELETE").body is None


def test_the_content_type_is_json_unless_it_is_said() -> None:
    assert request("x").headers == {}
    assert request("x", body=b"").headers == {"Content-Type": "application/json"}
    headers = ["content-type: text/csv", "X-A:1"]
    assert request("x", body=b"", headers=headers).headers == {"content-type": "text/csv", "X-A": "1"}


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer x", "authorization:x", "Proxy-Authorization: x", "Host: evil", "Cookie: a=b",
        "Content-Length: 5", "Transfer-Encoding: chunked", "CONNECTION: close",
        "X-HTTP-Method-Override: POST", "x-method-override: PUT",
        "X_HTTP_METHOD_OVERRIDE: DELETE", "X-HTTP-Method: PUT", "X-Original-URL: /x",
        "X-A: b\r\nAuthorization: x", "X-A: b\n", "X-A: \x00", "X-A: é",
        "É: a", "X A: b", " X-A: b", "X-A : b",
        "X-A", ":", "", ": b", "X-A:", "X-A: ",
    ],
)  # fmt: skip
def test_headers_that_are_not_the_users_to_set_are_refused(line: str) -> None:
    with pytest.raises(UsageError):
        request("x", headers=[line])


def test_a_header_is_said_once() -> None:
    with pytest.raises(UsageError, match="twice"):
        request("x", headers=["X-A: 1", "x-a: 2"])


@pytest.mark.parametrize(
    "path",
    [
        "api-keys", "/public/v1/api-keys", "/api-keys/", "api-keys//", "x//api-keys",
        "/public/v1//api-keys", "API-KEYS", "/public/v1/Api-Keys", "api%2dkeys", "%61pi-keys", "%2561pi-keys",
        "api-keys?x=1", "api-keys/?x", "api-keys;x", "api-keys%20", "api-keys%2f", "api-keys.",
        f"api-keys/{KEY_ID}/rotate", f"api-keys/{KEY_ID.upper()}/ROTATE/", f"api-keys//{KEY_ID}//rotate?x=y",
        f"api-keys/{KEY_ID}%2frotate", f"api-keys/{KEY_ID}/%72otate", "api-keys/x/y/rotate",
    ],
)  # fmt: skip
def test_the_calls_that_make_a_secret_are_not_made(path: str) -> None:
    for method in ("POST", "post", "PUT", "PATCH"):
        with pytest.raises(UsageError, match="secret") as refused:
            request(path, method=method)
        rotates = "rotate" in path.lower() or "%72" in path
        assert ("astalty keys rotate" if rotates else "astalty keys create NAME") in refused.value.hint
    assert request(path).method == "GET"


def test_the_other_calls_of_a_key_are_made() -> None:
    for method, path in (
        ("PATCH", f"api-keys/{KEY_ID}"),
        ("DELETE", f"api-keys/{KEY_ID}"),
        ("POST", f"api-keys/{KEY_ID}/expire-previous"),
        ("POST", "participants"),
        ("POST", "rotate"),
    ):
        assert request(path, method=method).method == method


def test_no_other_method_is_smuggled_in() -> None:
    for text in ("_method=PUT", "_method[]=PUT"):
        with pytest.raises(UsageError, match="_method"):
            request("x", fields=[parse(text, typed=False)])
        with pytest.raises(UsageError, match="_method"):
            request("x", method="GET", fields=[parse(text, typed=False)])
        with pytest.raises(UsageError, match="_method"):
            request(f"x?{text}", method="POST")
    with pytest.raises(UsageError, match="_method"):
        request("x?a=b&%5fmethod=PUT", method="POST")


def test_pages_are_asked_for_by_number() -> None:
    number, target = numbered("/public/v1/x?filter[a]=%5B&page[number]=3&sort=-b")
    assert number == 3
    assert target(4) == "/public/v1/x?filter[a]=%5B&sort=-b&page[size]=100&page[number]=4"
    assert numbered("/x?page%5Bsize%5D=7")[1](1) == "/x?page%5Bsize%5D=7&page[number]=1"
    for value in ("0", "-1", "x", "", "1.5", "9" * 20):
        with pytest.raises(UsageError, match="not the number of a page"):
            numbered(f"/x?page[number]={value}")


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": {"id": "%s", "secret": "%s"}}' % (KEY_ID.encode(), SECRET.encode()),
        b'{"data": {"id": "%s", "secret": "\\u0061stalty_%s"}}' % (KEY_ID.encode(), SECRET[8:].encode()),
        b'{"data": {"id": "%s", "secret": "anything at all"}, "meta": [1]}' % KEY_ID.encode(),
        b'{"data": {"id": "%s", "token": ["%s"]}}' % (KEY_ID.encode(), SECRET.encode()),
    ],
)
def test_a_secret_in_an_answer_is_hidden(body: bytes) -> None:
    shown = without_secret(body)
    assert shown != body
    assert HIDDEN.encode() in shown
    for leak in (SECRET, SECRET[8:], "anything"):
        assert leak.encode() not in shown
    assert key_in(shown) == KEY_ID


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"<html>", b'{"data": null}', b'{"data": []}', b'{"data": {"secret": null}}',
        b'{"data": {"secret": "[secret]"}}', b'{"data": {"secret": {"a": 1}}}', b"[" * 100_000, b"\xff",
        b'{"data": {"name": "astalty_x", "secret_already_shown": true}}',
    ],
)  # fmt: skip
def test_an_answer_without_a_secret_stays_as_it_is(body: bytes) -> None:
    assert without_secret(body) == body
    assert key_in(body) == "KEY"
