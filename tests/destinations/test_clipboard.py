"""The clipboard: a real one of X11, stand-ins that fail and lie, and the one of a real terminal."""

import base64
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pexpect
import pytest

from astalty_cli.base.errors import LocalError
from astalty_cli.destinations.clipboard import Clipboard, suitable
from astalty_cli.destinations.destination import Destination
from tests.destinations.canary import BYTES, KEY, SECRET
from tests.destinations.conftest import Stand

KEPT, SOON = timedelta(0), timedelta(seconds=2)
ROOT = Path(__file__).parents[2]


def needs(*names: str) -> pytest.MarkDecorator:
    missing = [name for name in names if shutil.which(name) is None]
    return pytest.mark.skipif(
        bool(missing) and "CI" not in os.environ, reason=f"not installed here: {', '.join(missing)}"
    )


# -- a real one ----------------------------------------------------------------------------------


@pytest.fixture
def display(environ: dict[str, str]) -> Iterator[str]:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "16x16x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as said:
        environ["DISPLAY"] = f":{said.readline().strip()}"
    yield environ["DISPLAY"]
    server.kill()  # and with it, what holds its clipboard
    server.wait()


@pytest.fixture(params=[pytest.param(name, marks=needs("Xvfb", name)) for name in ("xclip", "xsel")])
def desktop(
    request: pytest.FixtureRequest, display: str, environ: dict[str, str], tmp_path: Path
) -> dict[str, str]:
    """An X11 desktop that has one of the two programs."""
    found = shutil.which(request.param)
    assert found
    (tmp_path / "programs" / request.param).symlink_to(found)
    return {**environ, "PATH": str(tmp_path / "programs")}


def pasted(desktop: dict[str, str]) -> bytes:
    program = "xclip" if shutil.which("xclip", path=desktop["PATH"]) else "xsel"
    options = ["-selection", "clipboard", "-o"] if program == "xclip" else ["--clipboard", "--output"]
    return subprocess.run([program, *options], env=desktop, capture_output=True, check=False).stdout


def copy(desktop: dict[str, str], text: bytes) -> None:
    Clipboard(desktop, KEPT)._hand_over(Clipboard(desktop, KEPT)._helper.copy, text)  # type: ignore[union-attr]


def clearing_process(environ: dict[str, str]) -> int | None:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"RECORD={environ['RECORD']}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                words = (entry / "cmdline").read_bytes()
                assert BYTES not in words
                if b"clearing.py" in words:
                    return int(entry.name)
        except OSError:
            continue
    return None


def wait_for_clearing(environ: dict[str, str]) -> None:
    pid = clearing_process(environ)
    assert pid is not None
    process = Path("/proc", str(pid))
    assert (process / "cwd").readlink() == Path("/")
    assert {handle.readlink() for handle in (process / "fd").iterdir()} == {Path(os.devnull)}
    assert b"ASTALTY_API_KEY" not in (process / "environ").read_bytes()
    assert os.getsid(pid) != os.getsid(0)
    handle = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    assert poll.poll(20_000)
    os.close(handle)


def test_on_the_clipboard_and_off_it_again(desktop: dict[str, str]) -> None:
    destination: Destination = Clipboard(desktop, SOON)
    destination.probe()
    assert (destination.spec, destination.readable, destination.held()) == ("clipboard", False, None)
    destination.deliver(KEY, SECRET)
    assert pasted(desktop) == BYTES
    assert "cleared in 2 s" in destination.success_message
    wait_for_clearing(desktop)
    assert pasted(desktop) == b""


def test_what_was_copied_meanwhile_is_left_alone(desktop: dict[str, str]) -> None:
    Clipboard(desktop, SOON).deliver(KEY, SECRET)
    copy(desktop, b"a recipe")
    wait_for_clearing(desktop)
    assert pasted(desktop) == b"a recipe"


def test_zero_keeps_it(desktop: dict[str, str]) -> None:
    destination = Clipboard(desktop, KEPT)
    destination.deliver(KEY, SECRET)
    assert clearing_process(desktop) is None
    assert pasted(desktop) == BYTES
    assert "stays" in destination.success_message


def test_what_was_there_before_the_probe_is_there_after(desktop: dict[str, str]) -> None:
    copy(desktop, b"a recipe")
    Clipboard(desktop, SOON).probe()
    # Whoever puts it back owns the selection a moment later.
    assert b"a recipe" in (pasted(desktop) for _ in range(50))


@pytest.mark.parametrize(
    "program", [pytest.param(name, marks=needs(name)) for name in ("xclip", "xsel", "wl-copy")]
)
def test_a_desktop_that_is_gone_shows_at_once(environ: dict[str, str], tmp_path: Path, program: str) -> None:
    for name in {program, program.replace("copy", "paste")}:
        (tmp_path / "programs" / name).symlink_to(shutil.which(name) or "")
    environ["PATH"] = str(tmp_path / "programs")
    environ["WAYLAND_DISPLAY" if program == "wl-copy" else "DISPLAY"] = ":4711"
    with pytest.raises(LocalError, match="cannot reach the desktop"):
        Clipboard(environ, SOON).probe()


def test_nobody_waits_for_the_clearing(desktop: dict[str, str]) -> None:
    """As `$(astalty … --copy)` does: its pipe must close when the command ends."""
    code = (
        "import os; from datetime import timedelta; from tests.destinations.canary import KEY, SECRET\n"
        "from astalty_cli.destinations.clipboard import Clipboard\n"
        "Clipboard(dict(os.environ), timedelta(seconds=600)).deliver(KEY, SECRET)"
    )
    subprocess.run(
        [sys.executable, "-c", code], env=desktop, cwd=ROOT, capture_output=True, timeout=60, check=True
    )
    pid = clearing_process(desktop)
    assert pid is not None
    os.kill(pid, 9)


# -- stand-ins -----------------------------------------------------------------------------------

STORE = "record('clip', sys.stdin.buffer.read()) if '-o' not in sys.argv else sys.stdout.write("
XCLIP = (
    STORE + "Path(os.environ['RECORD'], 'clip').read_text() if Path(os.environ['RECORD']).exists() else '')"
)


@pytest.fixture
def x11(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {**environ, "DISPLAY": ":0", "PATH": str(tmp_path / "programs")}


def test_the_secret_is_in_no_argv(x11: dict[str, str], stand_in: Stand, tmp_path: Path) -> None:
    stand_in("xclip", f"record_all() if '-o' not in sys.argv else print(end={BYTES.decode()!r})")
    Clipboard(x11, KEPT).deliver(KEY, SECRET)
    record = tmp_path / "record"
    assert (record / "stdin").read_bytes() == BYTES
    assert b"xclip" in (record / "cmdlines").read_bytes()
    assert BYTES not in (record / "cmdlines").read_bytes() + (record / "environ").read_bytes()


def test_a_program_that_fails_has_not_taken_it(x11: dict[str, str], stand_in: Stand) -> None:
    stand_in("xclip", "sys.exit('no: ' + sys.stdin.read())")
    with pytest.raises(LocalError, match=r"did not take the secret \(exit 1\)"):
        Clipboard(x11, KEPT).deliver(KEY, SECRET)


def test_a_program_that_hangs_is_given_five_seconds(
    x11: dict[str, str], stand_in: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("astalty_cli.destinations.clipboard._SECONDS", 0.5)
    stand_in("xclip", "time.sleep(60)")
    with pytest.raises(LocalError, match="did not finish"):
        Clipboard(x11, KEPT).deliver(KEY, SECRET)


def test_a_program_that_lies_is_found_out(x11: dict[str, str], stand_in: Stand) -> None:
    stand_in("xclip", "sys.stdin.read()")
    with pytest.raises(LocalError, match="accepted the secret and did not give it back"):
        Clipboard(x11, KEPT).deliver(KEY, SECRET)


def test_a_program_that_takes_a_moment_is_waited_for(x11: dict[str, str], stand_in: Stand) -> None:
    late = "looks = Path(os.environ['RECORD'] + '.looks')\n"
    late += "if '-o' in sys.argv: looks.open('a').write('x'); looks.stat().st_size > 2 or sys.exit(1)\n"
    stand_in("xclip", late + XCLIP)
    Clipboard(x11, KEPT).deliver(KEY, SECRET)


def test_a_clearing_that_cannot_start_leaves_nothing_there(
    x11: dict[str, str], stand_in: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("xclip", XCLIP)
    monkeypatch.setattr("astalty_cli.destinations.clearing.__file__", "/no/such/file.py")
    with pytest.raises(LocalError, match="taken off it"):
        Clipboard(x11, SOON).deliver(KEY, SECRET)
    assert (tmp_path / "record" / "clip").read_bytes() == b""


@pytest.mark.parametrize(
    ("platform", "variables", "names"),
    [
        ("darwin", {}, ["pbcopy"]),
        ("darwin", {"DISPLAY": ":0"}, ["pbcopy"]),
        ("darwin", {"SSH_TTY": "/dev/pts/1"}, []),
        ("win32", {}, ["clip.exe"]),
        ("linux", {"WSL_DISTRO_NAME": "Debian", "DISPLAY": ":0"}, ["clip.exe", "xclip", "xsel"]),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, ["wl-copy", "xclip", "xsel"]),
        ("linux", {"DISPLAY": ":0"}, ["xclip", "xsel"]),
        ("linux", {"DISPLAY": ":10.0", "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, []),
        ("linux", {"DISPLAY": ""}, []),
    ],
)
def test_the_program_for_the_desktop(platform: str, variables: dict[str, str], names: list[str]) -> None:
    assert [helper.name for helper in suitable(variables, platform)] == names


def test_macos(environ: dict[str, str], stand_in: Stand, tmp_path: Path) -> None:
    stand_in("pbcopy", "record('clip', sys.stdin.buffer.read())")
    stand_in("pbpaste", "sys.stdout.write(Path(os.environ['RECORD'], 'clip').read_text())")
    Clipboard(environ, SOON, "darwin").deliver(KEY, SECRET)
    assert (tmp_path / "record" / "clip").read_bytes() == BYTES
    wait_for_clearing(environ)
    assert (tmp_path / "record" / "clip").read_bytes() == b""


def test_windows_cannot_be_read_and_so_not_cleared(
    environ: dict[str, str], stand_in: Stand, tmp_path: Path
) -> None:
    stand_in("clip.exe", "record('clip', sys.stdin.buffer.read())")
    destination = Clipboard({**environ, "WSL_DISTRO_NAME": "Debian"}, SOON)
    destination.probe()
    destination.deliver(KEY, SECRET)
    assert (tmp_path / "record" / "clip").read_bytes() == BYTES
    assert clearing_process(environ) is None
    assert "cannot be read back or cleared" in destination.success_message


# -- the terminal's ------------------------------------------------------------------------------

IN_TERMINAL = """
import os, sys
from datetime import timedelta
from tests.destinations.canary import KEY, SECRET
from astalty_cli.base.errors import LocalError
from astalty_cli.destinations.clipboard import Clipboard
destination = Clipboard(dict(os.environ), timedelta(seconds=45))
try:
    destination.probe()
    destination.deliver(KEY, SECRET)
    sys.stderr.write(destination.success_message)
except LocalError as error:
    sys.stderr.write(error.message + error.hint)
"""
OSC52 = f"\033]52;c;{base64.b64encode(BYTES).decode()}\a"


def in_terminal(environ: dict[str, str], wrap: str = "{} 2>&1 </dev/null | cat") -> str:
    """All that a terminal is sent; the streams of the command lead elsewhere."""
    script = Path(environ["HOME"]) / "hand_over.py"
    script.write_text(IN_TERMINAL)
    line = wrap.format(f"{sys.executable} {script}")
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", line],
        env={**environ, "PYTHONPATH": str(ROOT)},
        cwd=str(ROOT),
        encoding="utf-8",
        timeout=30,
    )
    child.expect(pexpect.EOF)
    child.close()
    return child.before or ""


def test_over_ssh_it_goes_to_the_terminal(environ: dict[str, str]) -> None:
    over_ssh = {"TERM": "xterm-256color", "SSH_TTY": "/dev/pts/1", "DISPLAY": ":10.0"}
    sent = in_terminal({**environ, **over_ssh})
    assert sent.count(OSC52) == 1
    assert "sent to the terminal" in sent
    assert "cannot be cleared" in sent
    assert "canary" not in sent


@pytest.mark.parametrize("term", ["dumb", "linux", ""])
def test_a_terminal_that_would_show_it_is_not_sent_it(environ: dict[str, str], term: str) -> None:
    sent = in_terminal({**environ, "TERM": term})
    assert "\033]52" not in sent
    assert "There is no clipboard here" in sent
    assert "xclip" in sent


def test_without_a_terminal_there_is_none(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_TERMINAL],
        env={**environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert "There is no clipboard here" in done.stderr


@needs("tmux")
def test_inside_tmux_it_reaches_the_terminal_around(environ: dict[str, str]) -> None:
    inside = "tmux -f /dev/null -S ~/socket new '{} 2>~/told; tmux list-buffers >~/left'"
    sent = in_terminal({**environ, "TERM": "xterm-256color"}, inside)
    assert base64.b64encode(BYTES).decode() in sent
    assert "]52;" in sent
    assert "sent to the terminal" in Path(environ["HOME"], "told").read_text()
    assert Path(environ["HOME"], "left").read_text() == ""
