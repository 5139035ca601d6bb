"""What is taken for a secret, in whatever spelling, and what is not: the gate of every way out."""

import base64
import html
import json
import time
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

from astalty_cli.base import hiding
from astalty_cli.base.hiding import contains_secret, hide, hide_bytes, hide_listed, hide_seen, hide_typed
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import quoted

RANDOM = "aB3dE6gH9kM2nP5qR8sT1uV4wX7yZ0cF2hJ4lN6p"  # 40 letters and digits
KEYS = {
    "ours": "astalty_" + RANDOM + "x9Y8z7",
    "sanctum": f"12|{RANDOM}",
    "plain": RANDOM,
    "odd": f"""k#9$|"{RANDOM[:30]}'\\!&<%/+_=~""",
}


@pytest.fixture(autouse=True)
def _nothing_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hiding, "_seen", {})
    monkeypatch.setattr(hiding, "_more_secrets", [])


def spellings(key: str) -> Iterator[tuple[str, str]]:
    """How others write a key, and what must not be left of it: its longest word."""
    yield "as it is", key
    yield "in JSON", json.dumps(key)
    yield "in JSON with slashes escaped", json.dumps(key).replace("/", "\\/")
    yield "in JSON within JSON", json.dumps(json.dumps(key))
    yield "in JSON, escaped", '"' + "".join(f"\\u{ord(char):04x}" for char in key) + '"'
    yield "in JSON within JSON, escaped", json.dumps("".join(f"\\u{ord(char):04X}" for char in key))
    yield "percent", quote(key, safe="")
    yield "percent, of a form", quote_plus(key)
    yield "percent, in small letters", quote(key, safe="").lower()
    yield "percent, twice", quote(quote(key, safe=""), safe="")
    yield "percent, all of it", "".join(f"%{ord(char):02X}" for char in key)
    yield "HTML", html.escape(key)
    yield "HTML, all of it", "".join(f"&#{ord(char)};" for char in key)
    yield "HTML, in hexadecimal", "".join(f"&#x{ord(char):x};" for char in key)
    yield "HTML within HTML", html.escape(html.escape(key))
    yield "in capitals", key.upper()
    yield "in small letters", key.lower()
    yield "for a shell", quoted(key)
    yield "as Python", repr(key)
    for before in ("", "a", "ab", "user:"):
        encoded = base64.b64encode(f"{before}{key}:z".encode())
        yield f"base64 after {before!r}", encoded.decode()
        yield f"base64 of URLs after {before!r}", base64.urlsafe_b64encode(f"{before}{key}".encode()).decode()
        yield f"base64, percent after {before!r}", quote(encoded, safe="")


CASES = [
    pytest.param(key, name, spelled, id=f"{form}{', behind the bar' if part != key else ''}: {name}")
    for form, key in KEYS.items()
    for part in dict.fromkeys((key, key.partition("|")[2] or key))
    for name, spelled in spellings(part)
]


def pieces(text: str) -> set[str]:
    """All runs of eight characters, in small letters."""
    return {text[at : at + 8].lower() for at in range(len(text) - 7)}


@pytest.mark.parametrize(("key", "name", "spelled"), CASES)
def test_a_key_that_was_seen_is_hidden_however_it_is_spelled(key: str, name: str, spelled: str) -> None:
    Secret.parse(key)
    text = f"before {spelled} after"
    shown = hide_seen(text.encode()).decode()
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "[secret]" in shown
    # Of base64, what is not of the key alone; for a shell, punctuation may be left.
    inner = spelled[14:-10] if "base64" in name else spelled[:-14] if "shell" in name else spelled
    assert not pieces(inner) & pieces(shown.removeprefix("before ").removesuffix(" after"))


def test_json_stays_json() -> None:
    for key in KEYS.values():
        hiding.see(key)
        for spelled in (json.dumps({"a": f"x {key}"}), json.dumps({"a": json.dumps({"b": key})})):
            assert "[secret]" in json.loads(hide_seen(spelled.encode()))["a"]


def test_what_is_too_short_for_a_key_is_not_looked_for() -> None:
    hiding.see("participants123"[:15])
    hiding.see("12|short")
    assert hide("participants12 short 12|short") == "participants12 short 12|short"
    hiding.see("1234|0123456789ab")  # long enough whole, and not behind its bar
    assert hide("1234|0123456789ab and 0123456789ab") == "[secret] and 0123456789ab"


def test_a_long_key_is_hidden_whole() -> None:
    key = RANDOM * 100
    hiding.see(key)
    assert hide_seen(f"a {key} b {key[:-1]} c".encode()) == f"a [secret] b {key[:-1]} c".encode()


def test_the_start_of_a_key_is_hidden_where_a_text_is_cut() -> None:
    hiding.see(KEYS["sanctum"])
    encoded = base64.b64encode(f"us{RANDOM}".encode()).decode()
    for cut in (f"a {KEYS['sanctum'][:20]}", f"a {RANDOM[:12]}"):
        assert hide_seen(cut.encode()) == b"a [secret]"
    assert hide_seen(f"a {encoded[:30]}".encode()).endswith(b"[secret]")
    assert hide_seen(f"a {RANDOM[:11]}".encode()) == f"a {RANDOM[:11]}".encode()


def test_the_longest_word_of_a_key_is_enough() -> None:
    hiding.see(KEYS["odd"])
    assert hide_seen(f"%26quot%3B{RANDOM[:30]}\t".encode()) == b"%26quot%3B[secret]\t"


def test_base64_may_have_either_alphabet() -> None:
    key = "~?>" * 9
    hiding.see(key)
    assert hide_seen(base64.b64encode(key.encode())) == b"[secret]"
    assert hide_seen(base64.urlsafe_b64encode(key.encode())) == b"[secret]"


def test_a_key_of_backslashes_takes_no_time() -> None:
    hiding.see("a" + "\\" * 30 + "b'!'!'!" * 5)
    for text in ("a" + "\\" * 5_000, "a" + "\\" * 30 + "b'!" * 2_000):
        started = time.process_time()
        hide_seen(text.encode())
        assert time.process_time() - started < 1


def test_a_secret_that_is_stored_is_loaded_when_a_text_may_hold_it() -> None:
    asked: list[int] = []

    def load() -> None:
        asked.append(1)
        hiding.see(KEYS["plain"])

    hiding.see_later(load)
    assert hide("short words alone") == "short words alone"
    assert asked == []
    assert hide(f"x {KEYS['plain']}") == "x [secret]"
    assert hide("another_text_that_is_long") == "another_text_that_is_long"
    assert asked == [1]


# -- by rule ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelled",
    [
        f"7|{RANDOM}", f"7%7C{RANDOM}", f"7%7c{RANDOM}", f"7%257C{RANDOM}", f"7&#124;{RANDOM}",
        f"7&#x7C;{RANDOM}", f"7&vert;{RANDOM}", f"7&amp;#124;{RANDOM}", f"7\\u007c{RANDOM}",
        f"7\\u007C{RANDOM}", f"7|{RANDOM[:30]}", f"123456789012345678901234|{RANDOM}", KEYS["ours"],
        f"7|\\u0061{RANDOM}", "\\u0061" + KEYS["ours"][1:],
    ],
)  # fmt: skip
def test_what_has_the_shape_of_a_key_is_hidden(spelled: str) -> None:
    assert hide(f"a/{spelled}?b") == "a/[secret]?b"
    if "\\u0061" not in spelled:
        assert hide_listed(f"a/{spelled}?b".encode()) == b"a/[secret]?b"
    assert contains_secret(f"ci {spelled}")
    assert RANDOM[8:] not in hide_typed(spelled)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"token": "%s"}', '{"token": "[secret]"}'),
        ('{"plainTextToken":"%s","a":1}', '{"plainTextToken":"[secret]","a":1}'),
        ('{"a": "{\\"api_key\\": \\"%s\\"}"}', '{"a": "{\\"api_key\\": \\"[secret]\\"}"}'),
        ("{'secret': '%s'}", "{'secret': '[secret]'}"),
        ("X-Api-Key: %s", "X-Api-Key: [secret]"),
        ("Authorization: Bearer %s", "Authorization: Bearer [secret]"),
        ("https://x.example/a?access_token=%s&b=c", "https://x.example/a?access_token=[secret]&b=c"),
        ("a=b&password=%s", "a=b&password=[secret]"),
        ("user%%5Bpassword%%5D=%s", "user%5Bpassword%5D=[secret]"),
        ("key=%s", "key=[secret]"),
        ("--raw-field token=%s x", "--raw-field token=[secret] x"),
        ('{"key": "%s$#|\\"%s"}', '{"key": "[secret]"}'),
    ],
)
def test_a_random_text_that_is_called_a_credential_is_hidden(text: str, shown: str) -> None:
    assert hide(text.replace("%s", RANDOM).replace("%%", "%")) == shown


def test_a_value_is_hidden_by_the_name_it_goes_by() -> None:
    assert hiding.hide_value("X-Auth-Token", RANDOM) == "[secret]"
    assert hiding.hide_value("X-Request-Id", RANDOM) == RANDOM


def test_credentials_in_the_query_strings_of_a_list_are_hidden() -> None:
    path = f'{{"path":"/a?x=1&token={RANDOM}&y=2","etag":"{RANDOM}"}}'
    assert hide_listed(path.encode()).decode() == path.replace(f"token={RANDOM}", "token=[secret]")


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "9ee9dc30-c869-4fb5-9871-b32850e68cad", "token": "9ee9dc30-c869-4fb5-9871-b32850e68cad"}',
        f'ETag: W/"{RANDOM}"', f'{{"hash": "{RANDOM}"}}', f"sha256={'0a' * 32}",
        f"Idempotency-Key: {'0a' * 16}",
        '{"api_key": {"id": "9ee9dc30-c869-4fb5-9871-b32850e68cad", "name": "ci"}}',
        f'{{"photo": "{base64.b64encode(RANDOM.encode() * 9).decode()}"}}', f"page_cursor={RANDOM}",
        "password: must have 8 characters or more, with a digit", "Authorization: Bearer …abcd",
        'curl -H "Authorization: Bearer $ASTALTY_API_KEY"', "1|Participants and 2|Goals", "a|b",
        '{"token_count": 123456789012345678901234567890, "secret": null, "password": "[secret]"}',
        "GET /public/v1/participants/9ee9dc30-c869-4fb5-9871-b32850e68cad 200 12 ms",
        "token=participants-export-access password=correct-horse-battery-staple",
        "a=b&sort_key=created_at_2026_11_01_descending", "", "é\ud800" * 20,
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    hiding.see("astalty_" + "Zz9" * 15 + "z")
    assert hide(text) == text
    assert hide_listed(text.encode("utf-8", "surrogatepass")) == text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    "harmless",
    [
        "production_deploy_key_for_reporting_service", "9ee9dc30-c869-4fb5-9871-b32850e68cad", "x" * 10**6,
        "Payroll export 2026", "da39a3ee5e6b4b0d3255bfef95601890afd80709"[:39],
    ],
    ids=["words", "an id", "one long word", "a name", "nearly a hash"],
)  # fmt: skip
def test_names_and_ids_are_not_taken_for_keys(harmless: str) -> None:
    assert hide_typed(f"see {harmless}.") == f"see {harmless}."
    assert not contains_secret(harmless)


def test_what_could_be_a_key_is_cut_to_its_last_four() -> None:
    assert hide_typed(f"no {RANDOM} here") == "no …lN6p here"
    assert contains_secret(RANDOM)


def test_a_name_may_be_a_hash() -> None:
    assert not contains_secret("deploy da39a3ee5e6b4b0d3255bfef95601890afd80709")


@pytest.mark.parametrize(
    "hostile",
    [
        "token=" * 60_000, "token:" * 60_000, '"token":"' * 40_000, '\\"token\\":\\"' * 30_000,
        "\\" * 300_000, "\\u0061" * 50_000, "%41" * 100_000, "%25" * 100_000, "&amp;" * 60_000,
        "a=" * 150_000, "1|" * 150_000,
        "1" * 300_000 + "|", "12|" + RANDOM[:20], "astalty_" * 40_000, (RANDOM[:39] + "-") * 7_000,
        "?token=" * 40_000, "token" * 60_000 + "=", "token= " * 40_000, '"token"' * 40_000, "key='" * 60_000,
    ],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_a_text_made_to_be_slow_is_not(hostile: str) -> None:
    for key in KEYS.values():
        hiding.see(key)
    started = time.process_time()
    hide_bytes(hostile.encode())
    hide_typed(hostile)
    contains_secret(hostile)
    assert time.process_time() - started < 5
