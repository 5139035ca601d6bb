"""The rules of the house: who may import what, where the process is touched, how long a module may be."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "astalty_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Room or module -> what it may import of this package. Data flows one way; imports never point back.
MAY_IMPORT = {
    "base": {"base"},
    "openapi": {"openapi"},
    "api": {"base", "api", "__init__"},
    "config": {"base", "api", "config"},
    "output": {"base", "openapi", "output"},
    "sandbox": {"base", "api", "config", "openapi", "sandbox", "__init__"},
    "destinations": {"base", "api", "config", "output", "destinations"},
    "services": {"base", "openapi", "api", "config", "destinations", "services", "__init__"},
    "mirror": {"base", "api", "config", "services", "mirror"},
    "program": {"output"},
    "context": {"base", "api", "config", "output", "sandbox", "program", "cli"},  # `Flags`, of a type alone
    "cli": {"base", "api", "config", "output", "destinations", "services", "program", "context", "cli"},
    "commands": {
        "base",
        "openapi",
        "api",
        "config",
        "output",
        "services",
        "mirror",
        "destinations",
        "sandbox",
        "program",
        "context",
        "cli",
        "commands",
    },
    "main": {"base", "config", "cli", "program", "output"},
    "__main__": {"__init__", "base", "main"},
    "__init__": set(),
}

# A capability in services -> the others it may import: the history knows nothing of keys.
SERVICES: dict[str, set[str]] = {
    "history": set(),
    "requests": set(),
    "keys": {"history"},
    "export": {"history"},
    "endpoints": {"requests"},
    "incident": {"history", "keys"},
    "doctor": {"endpoints", "keys"},
}

# A library -> the only places that import it.
HOMES = {
    "typer": {"cli/", "main.py", "commands/"},
    "click": set(),
    "rich": {"output/human"},
    "httpx": {"api/http.py"},
    "httpcore": {"api/http.py"},
    "keyring": {"config/credentials.py"},
    "falcon": {"sandbox/"},
    "waitress": {"sandbox/"},
    "duckdb": {"services/export/archive.py"},
    "sqlite3": {"sandbox/", "mirror/"},
    "jmespath": {"output/query.py"},
    "truststore": {"api/tls.py"},
    "tomlkit": {"config/profiles.py", "config/toml_edit.py"},
    "platformdirs": {"program.py"},
    "yaml": {"services/endpoints/yaml_reader.py"},
    "icalendar": {"output/calendar.py"},
}

# The one module that ends the process, and the one that takes its streams and environment.
PROCESS = {
    "__main__.py": {"sys.exit"},
    "main.py": {"os.environ", "os.getenv", "sys.stdin", "sys.stdout", "sys.stderr"},
}

# Calls that only POSIX has -> the modules that make them: what another system would have to replace.
POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_NAMES = {
    "os": {
        *("O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK", "chown", "ctermid", "fchmod"),
        *("fchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getpgrp", "getsid"),
        *("getuid", "killpg", "lockf", "mkfifo", "mknod", "nice", "openpty", "posix_spawn", "pread"),
        *("pwrite", "register_at_fork", "setpgid", "setsid", "statvfs", "sysconf"),
        *("tcgetpgrp", "tcsetpgrp", "ttyname", "uname", "wait", "wait3", "wait4"),
    },
    "signal": {
        *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGTSTP"),
        *("SIGUSR1", "SIGUSR2", "SIGWINCH", "alarm", "pause", "pthread_kill", "pthread_sigmask"),
        *("setitimer", "siginterrupt", "sigpending", "sigtimedwait", "sigwait"),
    },
    "time": {"tzset", "clock_gettime"},
}
POSIX_KEYWORDS = {"preexec_fn", "pass_fds", "process_group"}
POSIX_HOMES = {"base/locks.py", "base/private_files.py", "base/signals.py"}


def name(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def room(module: Path) -> str:
    return name(module).split("/")[0].removesuffix(".py")


def dotted(module: Path) -> str:
    return ".".join(module.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def modules_imported(module: Path) -> Iterator[str]:
    """The modules of this package that a module imports, anywhere in it."""
    known = {dotted(each) for each in MODULES}
    for imported in imports(module):
        if imported.split(".")[0] == PACKAGE.name:
            yield imported if imported in known else imported.rpartition(".")[0]


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(module)}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_imports_point_one_way(module: Path) -> None:
    for imported in imports(module):
        if imported.startswith("astalty_cli."):
            target = imported.split(".")[1]
            target = (
                target if (PACKAGE / target).is_dir() or (PACKAGE / f"{target}.py").exists() else "__init__"
            )
            assert target in MAY_IMPORT[room(module)], f"{name(module)} imports {imported}"


@pytest.mark.parametrize("module", sorted(PACKAGE.glob("services/*/*.py")), ids=name)
def test_capabilities_build_on_one_another_one_way(module: Path) -> None:
    capability = module.parent.name
    for imported in modules_imported(module):
        if imported.startswith("astalty_cli.services."):
            other = imported.split(".")[2]
            assert other in {capability, *SERVICES[capability]}, f"{name(module)} imports {imported}"


def test_no_modules_import_each_other() -> None:
    """Wherever the import stands: in a function, or for the type checker alone, it is a dependency too."""
    graph = {dotted(module): set(modules_imported(module)) - {dotted(module)} for module in MODULES}
    assert set().union(*graph.values()) <= set(graph)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_each_library_has_its_home(module: Path) -> None:
    for imported in imports(module):
        homes = HOMES.get(imported.split(".")[0])
        if homes is not None:
            assert any(name(module).startswith(home) for home in homes), f"{name(module)} imports {imported}"
            assert not imported.startswith("typer._")


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_the_process_is_touched_in_one_place_each(module: Path) -> None:
    used = set(calls(module))
    assert not used & {"print", "input", "exit", "quit", "os._exit"}
    for place, touched in PROCESS.items():
        if name(module) != place:
            assert not used & touched, f"only {place} may use {touched}"


def posix_only(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in POSIX_MODULES)
        elif isinstance(node, ast.ImportFrom):
            if node.module in POSIX_MODULES:
                yield node.module
            names = POSIX_NAMES.get(node.module or "", set())
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name in names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in POSIX_NAMES.get(node.value.id, ()):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.keyword) and node.arg in POSIX_KEYWORDS:
            yield node.arg


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_what_only_posix_has_is_in_three_modules(module: Path) -> None:
    assert name(module) in POSIX_HOMES or not set(posix_only(module))


def test_the_three_modules_make_such_calls() -> None:
    for home in POSIX_HOMES:
        assert set(posix_only(PACKAGE / home)), home


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_module_is_longer_than_400_lines(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 400


# Where a command line for a person to copy begins; what follows from elsewhere is a word for a shell.
COMMAND_LINE = re.compile(
    r"\b(astalty (auth|keys|history|endpoints|api|sandbox|doctor)|chmod|gh secret)\b[^\n`]*$"
)
QUOTING = {"quoted", "joined", "command"}
KNOWN_WORDS = {
    ("mirror/database.py", "words"),
    ("destinations/github.py", "self.repository"),
    ("destinations/github.py", "self.name"),
    ("services/keys/recovery.py", "self.operation.recover"),
}  # checked


def unquoted(module: Path) -> Iterator[str]:
    """What is put into the command lines of f-strings as it is."""
    for node in ast.walk(ast.parse(module.read_text())):
        line = ""
        for part in node.values if isinstance(node, ast.JoinedStr) else ():
            if isinstance(part, ast.Constant):
                line = (line + str(part.value)).rpartition("\n")[2]
                continue
            assert isinstance(part, ast.FormattedValue)
            function = part.value.func if isinstance(part.value, ast.Call) else None
            called = ast.unparse(function).rpartition(".")[2] if function else ""
            value = ast.unparse(part.value)
            known = called in QUOTING or (name(module), value) in KNOWN_WORDS
            if COMMAND_LINE.search(line) and not known:
                yield f"{line}{{{value}}}"


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_nothing_from_elsewhere_stands_unquoted_in_a_command_line(module: Path) -> None:
    assert list(unquoted(module)) == []
    if name(module) != "destinations/kinds.py":  # which splits and quotes nothing
        assert not {"shlex.quote", "shlex.join"} & set(calls(module))


def test_every_home_names_a_place_that_exists() -> None:
    for homes in HOMES.values():
        for home in homes:
            assert any(name(module).startswith(home) for module in MODULES)
