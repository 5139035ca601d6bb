"""`dotenv:PATH#NAME`: one value is replaced, and every other byte stays."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.destinations.dotenv import Dotenv
from tests.destinations.canary import BYTES, KEY, SECRET


def env_file(folder: Path, content: bytes) -> Dotenv:
    path = folder / ".env"
    path.write_bytes(content)
    path.chmod(0o600)
    return Dotenv(path, "KEY")


def after(folder: Path, content: bytes, secret: Secret = SECRET) -> bytes:
    destination = env_file(folder, content)
    destination.probe()
    destination.deliver(KEY, secret)
    assert destination.held() == secret
    assert destination.path.stat().st_mode & 0o777 == 0o600
    return destination.path.read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        b"KEY=@",
        b"export KEY=@",
        b"  export\tKEY = @",
        b"KEY='@'",
        b'KEY = "@" # the one for CI',
        b"KEY=`@`",
        b"KEY=@ # it's a comment",
        b"KEY=@   ",
    ],
)
@pytest.mark.parametrize("old", [b"old", b"old#er", b"astalty_x"])
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"", b""),
        (b"A=1\r\nB='two'\r\n", b"\r\nC=3\r\n"),
        (b"\xef\xbb\xbf", b"\n"),
        (b"# KEY=commented\nXKEY=1\nKEY_ID=\xff\xfe\n\n", b"\nNOT_KEY=2"),
        (b"A='first\nKEY=inside\nlast' # that's all\n", b'\nB="it\'s \\" open\nKEY=here too"\n'),
        (b'A="not closed\n', b"\nB=1"),
    ],
)
def test_only_the_value_changes(
    tmp_path: Path, before: bytes, line: bytes, old: bytes, behind: bytes
) -> None:
    written = after(tmp_path, before + line.replace(b"@", old) + behind)
    assert written == before + line.replace(b"@", BYTES) + behind


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", b"KEY=@\n"),
        (b"A=1", b"A=1\nKEY=@\n"),
        (b"A=1\n", b"A=1\nKEY=@\n"),
        (b"A=1\r\n", b"A=1\r\nKEY=@\r\n"),
        (b"A=1\r\nB=2", b"A=1\r\nB=2\r\nKEY=@\r\n"),
        (b"\xef\xbb\xbf", b"\xef\xbb\xbfKEY=@\n"),
        (b"# KEY=1\n", b"# KEY=1\nKEY=@\n"),
        (b"KEY=", b"KEY=@"),
        (b"KEY=  ", b"KEY=@  "),
        (b"KEY= # none yet\n", b"KEY=@ # none yet\n"),
        (b'KEY=""\n', b'KEY="@"\n'),
    ],
)
def test_a_line_that_is_missing_or_empty(tmp_path: Path, content: bytes, expected: bytes) -> None:
    assert env_file(tmp_path, content).held() is None
    assert after(tmp_path, content) == expected.replace(b"@", BYTES)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    destination = Dotenv(tmp_path / ".env", "KEY")
    destination.probe()
    assert destination.held() is None
    assert list(tmp_path.iterdir()) == []
    destination.deliver(KEY, SECRET)
    assert destination.path.read_bytes() == b"KEY=" + BYTES + b"\n"
    assert destination.path.stat().st_mode & 0o777 == 0o600
    assert "KEY" in destination.success_message
    assert destination.spec == f"dotenv:{tmp_path}/.env#KEY"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"KEY=1\nexport KEY=2\n", "2 times"),
        (b"KEY='1\n2'\n", "several lines"),
        ("KEY=1\n".encode("utf-16"), "not a text file"),
    ],
)
def test_what_is_not_clear_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    destination = env_file(tmp_path, content)
    for attempt in (destination.probe, destination.held, lambda: destination.deliver(KEY, SECRET)):
        with pytest.raises(LocalError, match=why):
            attempt()
    assert destination.path.read_bytes() == content


@pytest.mark.parametrize(
    ("line", "secret", "expected"),
    [
        (b"KEY=old", "with#mark", b"KEY='with#mark'"),
        (b"KEY=old", "with$money", b"KEY='with$money'"),
        (b'KEY="old"', "with$money", b"KEY='with$money'"),
        (b'KEY="old"', "with#mark", b'KEY="with#mark"'),
        (b"KEY='old'", "with'quote", b'KEY="with\'quote"'),
        (b"KEY=`old`", "with`tick", b"KEY='with`tick'"),
    ],
)
def test_a_secret_that_needs_quotes_gets_them(
    tmp_path: Path, line: bytes, secret: str, expected: bytes
) -> None:
    assert after(tmp_path, line, Secret(secret)) == expected


@pytest.mark.parametrize("secret", ["both'\"", "back\\slash", "${PATH}"])
def test_a_secret_that_no_quotes_keep_is_refused(tmp_path: Path, secret: str) -> None:
    destination = env_file(tmp_path, b"KEY=old\n")
    with pytest.raises(LocalError, match="no quotes") as refused:
        destination.deliver(KEY, Secret(secret))
    assert secret not in refused.value.message
    assert destination.path.read_bytes() == b"KEY=old\n"


NAMES = st.from_regex(rb"[A-Z]{1,3}_", fullmatch=True)
VALUES = st.one_of(
    st.binary(max_size=8).map(lambda text: text.translate(None, b"\r\n\0'\"`")),
    st.binary(max_size=8).map(lambda text: b"'" + text.translate(None, b"\0'\\") + b"'"),
    st.binary(max_size=8).map(lambda text: b'"' + text.translate(None, b'\0"\\') + b'"'),
    st.just(b"'multi\nKEY=no\nline'"),
)
NEWLINES = st.sampled_from([b"\n", b"\r\n"])
ENTRIES = st.one_of(
    st.builds(lambda name, value, newline: name + b"=" + value + newline, NAMES, VALUES, NEWLINES),
    st.binary(max_size=8).map(lambda text: b"#" + text.translate(None, b"\r\n\0") + b"\n"),
    st.just(b"\n"),
)
SAFE = st.from_regex(r"[A-Za-z0-9_]{1,60}", fullmatch=True)


@given(
    before=st.lists(ENTRIES),
    behind=st.lists(ENTRIES),
    old=SAFE,
    new=SAFE,
    quote=st.sampled_from([b"", b"'", b'"', b"`"]),
    newline=NEWLINES,
)
def test_every_other_byte_stays(
    *, before: list[bytes], behind: list[bytes], old: str, new: str, quote: bytes, newline: bytes
) -> None:
    head = b"".join(before) + b"export KEY=" + quote
    tail = quote + newline + b"".join(behind)
    with tempfile.TemporaryDirectory() as folder:
        assert after(Path(folder), head + old.encode() + tail, Secret(new)) == head + new.encode() + tail
    assert not os.path.lexists(folder)
