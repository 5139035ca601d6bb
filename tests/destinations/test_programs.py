"""Other programs as places: what they are given, how they fail, and what of it anybody else may see."""

import os
import select
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from astalty_cli.base.errors import LocalError
from astalty_cli.destinations import programs
from astalty_cli.destinations.clipboard import Clipboard
from astalty_cli.destinations.command import Command
from astalty_cli.destinations.destination import Destination
from astalty_cli.destinations.github import Github
from tests.destinations.canary import BYTES, KEY, SECRET
from tests.destinations.conftest import Stand

GH = "record_all() if sys.argv[2] == 'set' else record('list', ' '.join(sys.argv[1:]).encode())"


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[str], bytes]:
    return lambda name: (tmp_path / "record" / name).read_bytes()


# -- github --------------------------------------------------------------------------------------


def test_gh_gets_the_secret_on_stdin_alone(
    environ: dict[str, str], stand_in: Stand, recorded: Callable[[str], bytes]
) -> None:
    stand_in("gh", GH)
    destination = Github("ana/site", "ASTALTY_KEY", environ)
    destination.probe()
    assert recorded("list") == b"secret list --repo ana/site"
    destination.deliver(KEY, SECRET)
    assert recorded("argv").split() == [b"secret", b"set", b"ASTALTY_KEY", b"--repo", b"ana/site"]
    assert recorded("stdin") == BYTES
    assert b"ana/site" in recorded("cmdlines")
    assert BYTES not in recorded("cmdlines") + recorded("environ")
    assert b"own_key_of_the_caller" not in recorded("environ")
    assert not destination.readable
    assert destination.held() is None
    assert (destination.spec, "ana/site" in destination.success_message) == (
        "github:ana/site#ASTALTY_KEY",
        True,
    )
    assert "own_key" not in repr(destination)


def test_gh_that_is_not_signed_in_shows_at_once(environ: dict[str, str], stand_in: Stand) -> None:
    stand_in("gh", "sys.exit('To get started with GitHub CLI, please run:  gh auth login\\nmore')")
    with pytest.raises(LocalError, match="To get started with GitHub CLI") as refused:
        Github("ana/site", "KEY", environ).probe()
    assert "more" not in refused.value.message


def test_without_gh_it_is_said_where_to_get_it(environ: dict[str, str]) -> None:
    environ["PATH"] = environ["HOME"]
    with pytest.raises(LocalError) as refused:
        Github("ana/site", "KEY", environ).probe()
    assert "cli.github.com" in refused.value.hint


def test_gh_that_refuses_the_secret(environ: dict[str, str], stand_in: Stand) -> None:
    stand_in("gh", "sys.exit('HTTP 403 for ' + sys.stdin.read())")
    with pytest.raises(LocalError) as refused:
        Github("ana/site", "KEY", environ).deliver(KEY, SECRET)
    assert "(exit 1: HTTP 403)." in refused.value.message


# -- exec ----------------------------------------------------------------------------------------


def test_a_command_gets_exactly_the_secret(
    environ: dict[str, str], stand_in: Stand, recorded: Callable[[str], bytes]
) -> None:
    stand_in("vault", "record_all(); print(Path(os.environ['RECORD'], 'stdin').read_text())")
    destination = Command(("vault", "put", "a b; $HOME"), environ)
    destination.probe()
    destination.deliver(KEY, SECRET)
    assert recorded("stdin") == BYTES
    assert recorded("argv") == b"put\na b; $HOME"
    assert b"a b; $HOME" in recorded("cmdlines")
    assert BYTES not in recorded("cmdlines") + recorded("environ")
    assert destination.spec == "exec:vault put 'a b; $HOME'"
    assert not destination.readable


@pytest.mark.parametrize("name", ["no-such-program", "./no/such", "plain", "/"])
def test_a_program_that_cannot_be_run_shows_at_once(
    environ: dict[str, str], stand_in: Stand, name: str
) -> None:
    stand_in("plain").chmod(0o644)
    with pytest.raises(LocalError, match="no program"):
        Command((name,), environ).probe()


SPELLINGS = {
    "as it is": "s",
    "with spaces": "' '.join(s)",
    "a character a line": "'\\n'.join(s)",
    "backwards": "s[::-1]",
    "in capitals": "s.swapcase()",
    "in hex": "s.encode().hex()",
    "in base64": "__import__('base64').b64encode(s.encode()).decode()",
    "as numbers": "str(list(s.encode()))",
    "in part": "s[-8:]",
    "behind a known word": "'No such file or directory: ' + s",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_nothing_is_repeated_of_what_a_program_said_that_had_the_secret(
    environ: dict[str, str], stand_in: Stand, spelling: str
) -> None:
    told = SPELLINGS[spelling]
    body = f"s = sys.stdin.read(); t = {told}; print(t); sys.stderr.write('no: ' + t); sys.exit(3)"
    for name in ("vault", "xclip"):
        stand_in(name, body)
    stand_in("gh", f"if sys.argv[2] == 'set':\n    {body}")
    environ["DISPLAY"] = ":0"
    known = ": No such file or directory" if "known" in spelling else ""
    destinations: list[tuple[Destination, str]] = [
        (Command(("vault",), environ), "vault did not take the secret"),
        (Github("o/r", "KEY", environ), "gh did not set KEY in o/r"),
        (Clipboard(environ, timedelta(), "linux"), "xclip did not take the secret"),
    ]
    for destination, told in destinations:
        with pytest.raises(LocalError) as refused:
            destination.deliver(KEY, SECRET)
        assert refused.value.message == f"{told} (exit 3{known})."


def test_a_command_that_is_killed_has_failed(environ: dict[str, str], stand_in: Stand) -> None:
    stand_in("vault", "os.kill(os.getpid(), 9)")
    with pytest.raises(LocalError, match=r"\(exit -9\)"):
        Command(("vault",), environ).deliver(KEY, SECRET)


def test_a_script_that_is_none_has_failed(environ: dict[str, str], stand_in: Stand) -> None:
    stand_in("vault").write_bytes(b"\0\1")
    with pytest.raises(LocalError, match="Cannot run vault"):
        Command(("vault",), environ).deliver(KEY, SECRET)


def test_a_command_that_hangs_is_stopped_with_all_that_it_started(
    environ: dict[str, str], stand_in: Stand, recorded: Callable[[str], bytes]
) -> None:
    stand_in(
        "vault",
        "child = subprocess.Popen(['sleep', '60'])\nrecord('pids', f'{os.getpid()} {child.pid}'.encode())\n"
        "child.wait()",
    )
    started = time.monotonic()
    with pytest.raises(LocalError, match="vault did not finish within 2 s"):
        Command(("vault",), environ, seconds=2).deliver(KEY, SECRET)
    assert time.monotonic() - started < 20
    for pid in recorded("pids").split():
        assert not is_running(int(pid))


def is_running(pid: int) -> bool:
    """Wait for its end, up to a second; a zombie has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    ended = poll.poll(1000)
    os.close(handle)
    return not ended


def test_a_command_that_says_very_much_is_read_to_its_end(environ: dict[str, str], stand_in: Stand) -> None:
    stand_in(
        "vault",
        "sys.stderr.write('x\\n' * 2_000_000 + 'Permission denied'); print('y' * 5_000_000); sys.exit(1)",
    )
    with pytest.raises(LocalError, match=r"exit 1: Permission denied\)"):
        Command(("vault",), environ).deliver(KEY, SECRET)
    done = programs.run(["vault"], given=b"", seconds=30, environ=environ)
    assert (len(done.out), len(done.err)) == (programs.CAPTURE, programs.CAPTURE)


@pytest.mark.parametrize("given", [BYTES, b"z" * 1_000_000], ids=["a secret", "more than a pipe holds"])
@pytest.mark.parametrize("body", ["", "os.close(0); time.sleep(0.3)"], ids=["ends", "closes it"])
def test_a_command_need_not_read(environ: dict[str, str], stand_in: Stand, body: str, given: bytes) -> None:
    stand_in("vault", body)
    assert programs.run(["vault"], given=given, seconds=30, environ=environ).code == 0


def test_what_is_given_arrives_whole_while_much_is_said(environ: dict[str, str]) -> None:
    given = os.urandom(3_000_000)
    done = programs.run(["cat"], given=given, seconds=30, environ=environ)
    assert done.out == given[-programs.CAPTURE :]


def test_a_child_that_keeps_the_pipes_is_not_waited_for_and_not_killed(
    environ: dict[str, str], stand_in: Stand, recorded: Callable[[str], bytes]
) -> None:
    stand_in("vault", "child = subprocess.Popen(['sleep', '60']); record('pid', str(child.pid).encode())")
    started = time.monotonic()
    assert programs.run(["vault"], given=BYTES, seconds=30, environ=environ).code == 0
    assert time.monotonic() - started < 20
    pid = int(recorded("pid"))
    os.kill(pid, 0)
    os.kill(pid, 9)


def test_a_program_is_out_of_reach_of_a_ctrl_c(
    environ: dict[str, str], stand_in: Stand, recorded: Callable[[str], bytes]
) -> None:
    stand_in("vault", "record('session', str(os.getsid(0)).encode())")
    programs.run(["vault"], given=b"", seconds=30, environ=environ)
    assert int(recorded("session")) != os.getsid(0)


def test_what_a_program_said_is_in_no_repr(environ: dict[str, str]) -> None:
    done = programs.run(["tee", "/dev/stderr"], given=BYTES, seconds=30, environ=environ)
    assert (done.out, done.err) == (BYTES, BYTES)
    assert BYTES.decode() not in repr(done)
