"""The rules of the house: who may import what, where the process is touched, how long a module may be."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "astalty_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Room or module -> what it may import of this package. Data flows one way; imports never point back.
MAY_IMPORT = {
    "base": {"base", "__init__"},
    "openapi": {"openapi"},
    "api": {"base", "api", "__init__"},
    "config": {"base", "api", "config"},
    "output": {"base", "openapi", "output"},
    "sandbox": {"base", "api", "config", "openapi", "sandbox", "__init__"},
    "destinations": {"base", "api", "config", "output", "destinations"},
    "services": {"base", "openapi", "api", "config", "destinations", "services", "__init__"},
    "mirror": {"base", "api", "config", "services", "mirror"},
    "program": {"output"},
    "context": {"base", "api", "config", "output", "sandbox", "destinations", "services", "program"},
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
    "main": {"base", "cli", "program", "output"},
    "__main__": {"__init__", "main"},
    "__init__": set(),
}

# A library -> the only places that import it.
HOMES = {
    "typer": {"cli/", "main.py", "commands/"},
    "click": set(),
    "rich": {"output/human"},
    "httpx": {"api/http.py"},
    "keyring": {"config/credentials.py"},
    "falcon": {"sandbox/"},
    "waitress": {"sandbox/"},
    "duckdb": {"services/export/archive.py"},
    "sqlite3": {"sandbox/", "mirror/"},
    "jmespath": {"output/query.py"},
    "truststore": {"api/tls.py"},
}

# The one module that ends the process, and the one that takes its streams and environment.
PROCESS = {
    "__main__.py": {"sys.exit"},
    "main.py": {"os.environ", "os.getenv", "sys.stdin", "sys.stdout", "sys.stderr"},
}


def name(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def room(module: Path) -> str:
    return name(module).split("/")[0].removesuffix(".py")


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
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


@pytest.mark.parametrize("module", [each for each in MODULES if "services/keys" not in name(each)], ids=name)
def test_nothing_from_elsewhere_stands_unquoted_in_a_command_line(module: Path) -> None:
    assert list(unquoted(module)) == []
    if name(module) != "destinations/kinds.py":  # which splits and quotes nothing
        assert not {"shlex.quote", "shlex.join"} & set(calls(module))


def test_every_home_names_a_place_that_exists() -> None:
    for homes in HOMES.values():
        for home in homes:
            assert any(name(module).startswith(home) for module in MODULES)
