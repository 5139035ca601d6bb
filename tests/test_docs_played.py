"""Every block of the README, the tutorial and the how-tos is run, page by page, from top to bottom.

A page is one bash in a home of its own, with nothing set: what it needs, such as a sandbox to sign in to,
it starts itself, as its reader does. It prints to a terminal of 80 columns, and what a page shows below a
command is compared with that. Nobody types but where the page shows somebody's answer.
"""

import contextlib
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pexpect
import pytest

from astalty_cli.base.vocabulary import Surface
from astalty_cli.sandbox import server
from astalty_cli.sandbox.app import create_app
from tests.support import accounts, stand_ins
from tests.support.pages import FOLLOWED, README, ROOT, Block, Command, blocks, commands, name, typed
from tests.support.serving import free_port
from tests.support.shell import Shell
from tests.support.typist import HIDDEN

OUTPUT = {"", "text", "json"}  # what a page shows, and nobody types

# Blocks that cannot be run here, by page and language or the words that they begin with.
NOT_RUN = {
    ("README.md", "python3 -m venv"): ".ci/run runs both, as they stand",
    (
        "README.md",
        "$ export ASTALTY_PROFILE=sandbox\n\n#",
    ): "an excerpt of what the tour prints: compared with it below",
    ("how-to/headless.md", "FROM python"): "building an image needs Docker and its registry",
    ("how-to/archive.md", "from pyspark"): "Spark needs Java",
    ("how-to/install.md", "pip wheel"): "tests/packaging builds the wheel",
    ("how-to/install.md", "pipx"): "tests/packaging installs it in these ways",
    ("how-to/install.md", "uv tool"): "tests/packaging installs it in these ways",
}
# What a command prints is of the moment, by the words that it begins with.
OF_THE_MOMENT = {
    "astalty doctor --base-url": "it describes this machine",
    "astalty keys audit --max-age": "its note is there once the call before it is two seconds old",
    "astalty history export": "how many requests a month has is by the day on which it is asked",
    "astalty history stats": "durations of this run are in it",
    "astalty history sync": "what is logged meanwhile is counted",
    "astalty history purge": "what is logged meanwhile is counted",
    "astalty history tail": "it shows what comes while it looks",
    "pytest": "it tells how long it took",
}
PORT = "8787"
pytestmark = pytest.mark.timeout(300)  # a page waits for what its reader waits for, and a busy machine longer
_BEGINS, _ENDS = "\x1e", "\x1f"  # around what each command prints
_INSTALLED = re.compile(r"%h/|/usr/local/bin/")  # in a page's home, all that it shows is beside each other
KEYRING = {"how-to/sign-in.md", "how-to/rotate-on-a-schedule.md", "how-to/ten-minutes.md"}

_DRAWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[─│╭╮╰╯]+|\^C")
_NEW = re.compile(
    r"(?<=/sign-in/)[\w-]+"  # a link that works once
    r"|\blocal-[0-9a-f]+"  # ids of the record, whole and short
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8}\b"  # ids, whole and short
    r"|(?<=nds in )\w{4}\b|(?<=…)\w{4}\b|(?<=last_four = \")\w{4}"  # the last four of a secret
    r"|\b\w{4}(?= (active|expiring|revoked)\b)"  # the same in a list
    r"|\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+Z)?)?( (AEDT|UTC))?)?|\d{8}T\d{6}Z"  # times
    r"|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"
    r"|\b(\d+[smhd]|\d+ \w+|an? \w+) (ago|from now)\b|(?<=\()now(?=\))"
    r"|\b[\d.]+ m?s\b"  # how long something took
    r"|:\d{4,5}\b"  # ports
    r"|(?<=remaining: )\d+"  # of the requests of a minute
    r"|\S+…"  # a cell that is cut: where, is by the others in its row, such as an age
)

_HELPER = f"PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} -m"
_PRELUDE = """\
exec </dev/null
check() { code=$?; [ $code = $1 ] || { echo "exit $code: $2" >&2; exit 99; }; }
started() {
  while read -r line; do
    echo "$line"
    [[ $line != *http*/sign-in/* ]] || export LINK=http${line##*http}
    [[ $line != *Ctrl-C.* ]] || return 0
  done
  return 1
}
stop() { [ -z "$SERVER" ] || { kill $SERVER; wait $SERVER; SERVER=; } 2>/dev/null; }
trap 'kill $STARTED 2>/dev/null' EXIT
"""
# The README's account, now with an API for keys and the history, and another machine.
_ELSEWHERE = "export ASTALTY_BASE_URL=$FULL_URL HOME=$HOME/elsewhere && mkdir $HOME && cd $HOME"


def reason(page: Path, block: Block) -> str | None:
    """Why it is not run."""
    return next(
        (
            why
            for (where, start), why in NOT_RUN.items()
            if where == name(page) and block.text.startswith(start)
        ),
        None,
    )


def to_run(page: Path) -> list[Block]:
    """The blocks that are typed; the files that the page shows are there already."""
    return [
        block
        for block in blocks(page)
        if block.language not in OUTPUT
        and not reason(page, block)
        and (block.title is None or block.language in {"yaml", "ini"})
    ]


def script_of(page: Path) -> str:
    for block in blocks(page):
        if block.title is not None and block.language not in {"yaml", "ini", "toml"}:
            assert any(block.title in command.line for command in typed(page)), f"{block.title} is never used"
    return _PRELUDE + "\n".join(line for block in to_run(page) for line in played_block(block))


def played_block(block: Block) -> Iterator[str]:
    if block.mark == "full":
        yield _ELSEWHERE
    yield from RUN[block.language](block.text)


def console(text: str) -> Iterator[str]:
    for command in commands(text):
        yield f"printf '{_BEGINS}'"
        yield from played(command)
        yield f"printf '{_ENDS}'"


def workflow(text: str) -> Iterator[str]:
    yield checked(with_file(text, f"{_HELPER} tests.support.workflows"), 0, "the workflow")


def crontab(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield checked(f"sh -c {shlex.quote(line.split(maxsplit=5)[5])}", 0, line)


def unit(text: str) -> Iterator[str]:
    for started in re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE):
        yield checked(f"(set -e; {_INSTALLED.sub('$HOME/', started)})", 0, started)


def script(text: str) -> Iterator[str]:
    yield checked(at_terminal(text, ["y"]), 0, text)


def in_zsh(text: str) -> Iterator[str]:
    yield checked(f"zsh -fc {shlex.quote(f'autoload -U compinit; compinit -u -D; {text}')}", 0, text)


def in_fish(text: str) -> Iterator[str]:
    yield checked(f"fish -c {shlex.quote(text)}", 0, text)


def at_page(text: str) -> Iterator[str]:
    """What a reader does at the sandbox's web pages: copying a key is as if it were to be pasted next."""
    today = re.sub(r"\d{4}-\d\d-\d\d", "$(date +%F)", text)
    yield checked(f"KEY=$({_HELPER} tests.support.at_page <<THE_END\n{today}THE_END\n)", 0, text)


def python(text: str) -> Iterator[str]:
    yield checked(with_file(text, "python"), 0, "the Python")


RUN: dict[str, Callable[[str], Iterator[str]]] = {
    "console": console,
    "yaml": workflow,
    "crontab": crontab,
    "ini": unit,
    "bash": script,
    "sh": script,
    "zsh": in_zsh,
    "fish": in_fish,
    "python": python,
    "page": at_page,
}


def played(command: Command) -> Iterator[str]:
    line = command.line
    if line.startswith("astalty sandbox serve"):
        yield from serving(line)
        return
    if line.startswith("astalty sandbox reset"):  # pages say to stop the server first
        yield "stop"
    ran = at_terminal(line, command.answers) if command.asks else line
    yield checked(ran, command.code, line)


def checked(script: str, code: int, shown: str) -> str:
    return f"{script}\ncheck {code} {shlex.quote(shown)}"


def serving(line: str) -> Iterator[str]:
    """In a second terminal: the page goes on once connections are taken."""
    line = line.partition("  #")[0]
    beside = "--port 0" in line
    if not beside:
        yield "stop"
        line = f"{re.sub(r' --port [0-9]+', '', line)} --port {PORT}"
    yield f'exec {{lines}}< <(exec {line} 2>&1)\nSTARTED="$STARTED $!"'
    yield checked("started <&$lines", 0, line)
    if not beside:
        yield "SERVER=${STARTED##* }"


def at_terminal(script: str, answers: list[str]) -> str:
    hidden = " ".join(f'{variable}="${variable}"' for variable in HIDDEN.values())
    return f"{hidden} {_HELPER} tests.support.typist {shlex.join([script, *answers])}"


def with_file(text: str, program: str) -> str:
    """Run a program on a file with this text."""
    return f"cat > block.file <<'THE END OF IT'\n{text}THE END OF IT\n{program} block.file"


def show_files(page: Path, shell: Shell, port: str) -> None:
    for block in blocks(page):
        if block.title is not None and block.language != "yaml":
            path = shell.home / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text.replace(PORT, port), "utf-8")
            path.chmod(0o700)


def bash(shell: Shell, script: str) -> str:
    """Run it, and let nothing of it go on; return what was printed."""
    with pexpect.spawn(
        "bash",
        ["-c", script],
        env={**shell.environ, "TERM": "dumb", "ASTALTY_PAGER": "cat"},
        cwd=str(shell.home),
        encoding="utf-8",
        timeout=280,
        dimensions=(200, 80),
    ) as running:
        running.expect(pexpect.EOF)
        code = running.wait()
    printed = str(running.before)
    assert code == 0, printed[-3000:]
    return printed


@pytest.fixture
def shell() -> Iterator[Shell]:
    """Its home has a short path, as a reader's has: a long one folds what is printed in other places."""
    with TemporaryDirectory() as home:
        yield Shell(Path(home))


@pytest.mark.parametrize("page", [each for each in FOLLOWED if each != README], ids=name)
def test_a_page_runs_as_it_is_shown(
    shell: Shell, request: pytest.FixtureRequest, tmp_path: Path, page: Path
) -> None:
    if name(page) in KEYRING:
        request.getfixturevalue("keyring")
    with free_port() as port:
        play(shell, tmp_path, page, str(port))


def test_the_readme_runs_as_it_is_shown(shell: Shell, keyring: int, tmp_path: Path) -> None:
    """It speaks to the owner of a real account, and then of one that has an API for keys, both served."""
    with ExitStack() as closing:
        account = accounts.over_http(shell, tmp_path / "served", closing)
        made = {name: shell(f"keys create {name} --plain").out.strip() for name in ("LEAKED", "NEW", "NEWER")}
        shell("auth logout")
        store = closing.enter_context(contextlib.closing(account.store()))
        app = create_app(store, rate_limit=0, surface=Surface.DOCUMENTED)
        shell.environ |= made | {
            "ASTALTY_BASE_URL": closing.enter_context(server.serving(app)),
            "FULL_URL": str(account.base_url),
            "KEY": account.home.secret().reveal(),
        }
        play(shell, tmp_path, README, PORT)


def play(shell: Shell, folder: Path, page: Path, port: str) -> None:
    stand_ins.put_on(shell.environ, folder)
    shell.environ["HTTPS_PROXY"] = "http://127.0.0.1:1"  # nothing gets out
    show_files(page, shell, port)
    printed = bash(shell, script_of(page).replace(PORT, port)).replace(str(shell.home), "/home/you")
    shown = [each for block in to_run(page) if block.language == "console" for each in commands(block.text)]
    printed_ones = re.findall(f"{_BEGINS}(.*?){_ENDS}", printed, re.DOTALL)
    for command, real in zip(shown, printed_ones, strict=True):
        if command.output and not command.line.startswith(tuple(OF_THE_MOMENT)):
            is_shown = re.fullmatch(pattern(command.output), same(real)) is not None
            assert is_shown, f"$ {command.line}\n{real}\nis shown as\n{command.output}"


def pattern(shown: str) -> str:
    """An … of its own stands for what the page leaves out."""
    return ".*".join(map(re.escape, re.split(r"(?:^| )…(?: |$)", same(shown))))


def same(text: str) -> str:
    """The words of a text, without what is new in each run and however it is folded."""
    return _NEW.sub("@", " ".join(_DRAWN.sub(" ", text).split()))


def test_what_is_not_run_is_there() -> None:
    found = {why for page in FOLLOWED for block in blocks(page) if (why := reason(page, block))}
    assert found == set(NOT_RUN.values())
    compared = [command.line for page in FOLLOWED for command in typed(page) if command.output]
    assert [start for start in OF_THE_MOMENT if not any(line.startswith(start) for line in compared)] == []


@pytest.mark.parametrize(
    ("shown", "agrees"),
    [
        ("200  /participants?p…  laptop (ends in x013)  12s ago", True),
        ("200  /participants…  laptop\n(ends in McR4)  2m ago", True),
        ("200 …\n2s ago", True),
        ("200  /participants?p…  desktop (ends in x013)  12s ago", False),
        ("200  /participants?p…  laptop (ends in x013)", False),
        ("200 …\n12s ago\n…\nlaptop", False),
    ],
)
def test_what_differs_is_the_words_and_not_how_much_of_a_cell_fits(shown: str, agrees: bool) -> None:
    printed = "200  /participants?p…  laptop (ends in x013)  12s ago\r\n"
    assert (re.fullmatch(pattern(shown), same(printed)) is not None) == agrees


def test_the_readme_shows_what_the_tour_prints(shell: Shell) -> None:
    printed = shell("sandbox tour").out
    shown = [command.line for command in typed(README)]
    assert len(shown) >= 4
    assert [line for line in shown if f"$ {line}" not in printed] == []
