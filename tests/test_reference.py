"""The reference says what the program does: its pages are compared with the code, both ways."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from astalty_cli.api import contract, models
from astalty_cli.base import errors
from astalty_cli.base.errors import AstaltyError
from astalty_cli.base.vocabulary import KeyStatus
from astalty_cli.output import columns
from astalty_cli.output.fields import Field
from astalty_cli.sandbox.openapi import document
from tests.support.pages import CONTRIBUTING, DOCS, ROOT, blocks
from tests.test_architecture import HOMES

PACKAGE = ROOT / "astalty_cli"
REFERENCE = DOCS / "reference"

# Set for the programs that are started, and read by nobody here.
GIVEN_ON = {"GH_PROMPT_DISABLED", "LESS"}
# Read by a library or by the system, and promised by the page.
READ_ELSEWHERE = {"SSL_CERT_FILE", "SSL_CERT_DIR", "TZ", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"}
# The program's own surroundings, of which there is nothing to say.
NOT_TOLD = {"PATH", "PATH_INFO"}


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text("utf-8")


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next one."""
    (found,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {
        index + offset for index, line in enumerate(lines) if line.startswith("| ---") for offset in (-1, 0)
    }
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for index, line in enumerate(lines) if index not in heads]
    return [[cell.strip() for cell in each] for each in cells]


def words(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


# -- exit codes ----------------------------------------------------------------------------------


def errors_of_the_program() -> Iterator[type[AstaltyError]]:
    for _, each in inspect.getmembers(errors, inspect.isclass):
        # A reader that has left is told nothing, and the checks of doctor end with the code of the worst.
        if issubclass(each, AstaltyError) and each not in {errors.ReaderLeftError, errors.ChecksError}:
            yield each


def test_exit_codes_and_their_words() -> None:
    told = {(int(code), word) for code, _, cell in rows(page("exit-codes")) for word in words(cell)}
    assert told == {(each.exit_code, each.code) for each in errors_of_the_program()}


def test_every_exit_code_has_a_line() -> None:
    told = [int(code) for code, *_ in rows(page("exit-codes"))]
    assert told == sorted({0, *(each.exit_code for each in errors_of_the_program())})


# -- environment ---------------------------------------------------------------------------------


def variables_of_the_program() -> set[str]:
    """Names in `environ.get("…")`, `environ["…"]` and `"…" in environ`, also by way of a constant."""
    trees = [
        ast.parse(module.read_text())
        for module in PACKAGE.rglob("*.py")
        if "sandbox" not in module.parts  # what is called environ there is a request's
    ]
    constants = {name: value for tree in trees for name, value in _constants(tree)}
    found = {name for tree in trees for node in ast.walk(tree) for name in _names_in(node)}
    return {name for name in (constants.get(each, each) for each in found) if name.isupper()}


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value)))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(value)))
            ):
                yield name, value


def _names_in(node: ast.AST) -> set[str]:
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[name, *_]):
            return _text(name) if _is_environ(owner) else set()
        case ast.Call(func=ast.Attribute(attr="_size"), args=[name, *_]):
            return _text(name)
        case ast.Subscript(value=owner, slice=name):
            return _text(name) if _is_environ(owner) else set()
        case ast.Compare(left=name, comparators=[owner]):
            return _text(name) if _is_environ(owner) else set()
        case ast.DictComp(generators=[ast.comprehension(iter=ast.Tuple(elts=names))]):
            return {each for name in names for each in _text(name)}
        case _:
            return set()


def _is_environ(node: ast.AST) -> bool:
    return ast.unparse(node).endswith("environ")


def _text(node: ast.AST) -> set[str]:
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.Name(id=name):
            return {name}
        case _:
            return set()


def test_variables() -> None:
    told = set(re.findall(r"`([A-Z][A-Z_]+)(?:=\w+)?`", page("environment")))
    assert variables_of_the_program() - told - GIVEN_ON - NOT_TOLD == set()
    assert told - variables_of_the_program() - GIVEN_ON == READ_ELSEWHERE


# -- output --------------------------------------------------------------------------------------

COLUMNS: dict[str, tuple[Field, ...]] = {
    "`keys list`, `revoke`": columns.KEYS,
    "`keys show`, `rename`": columns.KEY,
    "`keys audit`": columns.AUDIT,
    "`keys recover`": columns.JOURNAL,
    "`--dry-run`": columns.PLAN,
    "`history list`, `tail`": columns.REQUESTS,
    "`history stats`": columns.STATS,
    "`history show`": (*columns.REQUEST, *columns.SIDES),
    "`history export`": columns.MANIFEST,
    "`history sync`, `purge`": columns.MIRROR,
    "`endpoints list`": columns.ENDPOINTS,
    "`endpoints show`": columns.ENDPOINT,
    "`doctor`": columns.DOCTOR,
    "`auth status`": columns.STATUS,
    "`sandbox info`": columns.SANDBOX,
}


def columns_told() -> dict[str, str]:
    return dict(rows(section(page("output"), "Columns")))


@pytest.mark.parametrize("command", COLUMNS)
def test_columns_in_their_order(command: str) -> None:
    told = words(columns_told()[command])
    names = [field.path for field in COLUMNS[command]]
    assert [each for each in told if each in names] == names


@pytest.mark.parametrize("command", [each for each in COLUMNS if each != "`history stats`"])
def test_the_columns_that_a_narrow_table_leaves_out(command: str) -> None:
    told = set(re.findall(r"`([\w.]+)`\*", columns_told()[command]))
    assert told == {field.path for field in COLUMNS[command] if field.spare}


def test_no_list_is_without_its_columns() -> None:
    assert set(columns_told()) == set(COLUMNS)


def test_the_object_of_an_error() -> None:
    told = [word for cell, _ in rows(section(page("output"), "Errors")) for word in words(cell)]
    (shown,) = [block.text for block in blocks(REFERENCE / "output.md") if block.language == "json"]
    assert told == list(msgspec.json.decode(shown)["error"])


# -- the contract --------------------------------------------------------------------------------

KEYS, HISTORY = "Assumed: API keys", "Assumed: request history"


def fields_of(*structs: type[msgspec.Struct]) -> set[str]:
    return {field.name for struct in structs for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize(
    ("title", "structs"),
    [
        (KEYS, (models.ApiKey, models.IssuedKey, models.CurrentKey, models.User)),
        (KEYS, (models.CreateKey, models.RenameKey, models.RotateKey, models.ExpirePrevious)),
        (HISTORY, (models.ApiRequest, models.Exchange)),
        ("Documented by Astalty", (models.PageMeta,)),
    ],
)
def test_every_field_is_told(title: str, structs: tuple[Any, ...]) -> None:
    told = set(re.findall(r"\w+", " ".join(words(section(page("api-contract"), title)))))
    assert fields_of(*structs) - told == set()


def test_every_documented_field_of_a_key_and_an_entry_is_in_the_models() -> None:
    for title, start, structs in (
        (KEYS, "A key:", (models.ApiKey, models.User)),
        (HISTORY, "An entry:", (models.ApiRequest, models.Exchange)),
    ):
        (sentence,) = re.findall(
            rf"^{start}.*?\.\s", section(page("api-contract"), title), re.MULTILINE | re.DOTALL
        )
        assert set(words(sentence)) <= fields_of(*structs) | set(KeyStatus), sentence


def calls_of_the_contract() -> dict[str, bool]:
    """Each path, with `{id}`, and whether it is assumed: by the half of the module in which it stands."""
    source = inspect.getsource(contract)
    assumed_from = source[: source.index("# -- assumed")].count("\n")
    found = {}
    for node in ast.parse(source).body:
        name = _defined(node)
        value: Any = getattr(contract, name, None)
        of_one_id = inspect.isfunction(value) and name != "filter_by"
        path = value("{id}") if of_one_id else value
        if (
            isinstance(path, str)
            and path.startswith("/")
            and path != contract.PREFIX
            and name != "under_prefix"
        ):
            found[path.removeprefix(contract.PREFIX)] = node.lineno > assumed_from
    return found


def _defined(node: ast.stmt) -> str:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.FunctionDef(name=name):
            return name
        case _:
            return ""


def test_every_path_is_told_for_what_it_is() -> None:
    text = page("api-contract")
    documented = section(text, "Documented by Astalty")
    assumed = section(text, KEYS) + section(text, HISTORY)
    calls = calls_of_the_contract()
    assert len(calls) >= 8
    for path, is_assumed in calls.items():
        where, elsewhere = (assumed, documented) if is_assumed else (documented, assumed)
        told = rf"`(?:GET|POST|PATCH|DELETE) {re.escape(path)}`"
        assert re.search(told, where), f"{path} is not told"
        assert not re.search(told, elsewhere), f"{path} is told as the other"


def test_every_path_that_is_told_is_in_the_contract() -> None:
    text = page("api-contract")
    told = set(re.findall(r"`(?:GET|POST|PATCH|DELETE) (/[^`]+)`", text))
    below_participants = {path for path in told if path.startswith("/participants/")}
    assert told - below_participants == set(calls_of_the_contract())


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Documented by Astalty", [contract.PAGE_NUMBER, contract.PAGE_SIZE, contract.DEFAULT_BASE_URL]),
        (
            "Documented by Astalty",
            [f"{contract.RATE_LIMIT} requests a minute", f"at most {contract.MAX_PAGE_SIZE}"],
        ),
        ("Documented by Astalty", [f"{contract.SORT}=", f"{contract.INCLUDE}=", contract.PREFIX]),
        (KEYS, [*contract.KEY_SORTS, f"0 to {contract.MAX_GRACE}", contract.IDEMPOTENCY_KEY]),
        (KEYS, [f"{contract.IDEMPOTENCY_TTL // 3600} hours"]),
        (HISTORY, [*contract.REQUEST_SORTS, f"include={contract.INCLUDE_BODIES}"]),
        (HISTORY, [f"{contract.MAX_LOGGED_BODY // 1024} KiB"]),
    ],
)
def test_parameters_and_limits(title: str, told: list[str]) -> None:
    text = section(page("api-contract"), title)
    assert [each for each in told if each not in text] == []


@pytest.mark.parametrize(("title", "path"), [(KEYS, contract.API_KEYS), (HISTORY, contract.API_REQUESTS)])
def test_the_filters_of_a_list(title: str, path: str) -> None:
    """Those that the sandbox takes, which is built on the contract."""
    parameters = msgspec.json.decode(document())["paths"][path]["get"]["parameters"]
    offered = {each["name"][7:-1] for each in parameters if each["name"].startswith("filter[")}
    row = next(
        cells
        for cells in rows(section(page("api-contract"), title))
        if path[len(contract.PREFIX) :] in cells[0]
    )
    told = set(re.findall(r"filter\[(\w+)\]", row[1])) or set(words(row[1].partition("; sort")[0]))
    assert offered <= told
    assert {each for each in told if each.isidentifier()} <= offered


# -- the explanation -----------------------------------------------------------------------------


def test_the_rooms_of_the_architecture() -> None:
    (drawn,) = [
        block.text
        for block in blocks(DOCS / "explanation" / "architecture.md")
        if "astalty_cli/" in block.text
    ]
    told = set(re.findall(r"^  (\w+(?:/|\.py))", drawn, re.MULTILINE))
    rooms = {f"{each.name}/" for each in PACKAGE.iterdir() if each.is_dir() and each.name != "__pycache__"}
    assert told == rooms | {each.name for each in PACKAGE.glob("*.py")} - {"__init__.py"}


@pytest.mark.parametrize(
    "explained", [CONTRIBUTING, *sorted((DOCS / "explanation").glob("*.md"))], ids=lambda each: each.name
)
def test_modules_that_are_named_exist(explained: Path) -> None:
    named = re.findall(r"`(?:astalty_cli/)?((?:\w+/)*\w+\.py)`", explained.read_text("utf-8"))
    known = [each.relative_to(PACKAGE).as_posix() for each in PACKAGE.rglob("*.py")]
    known += [each.relative_to(ROOT).as_posix() for each in (ROOT / "tests").rglob("*.py")]
    assert [each for each in named if not any(f"/{path}".endswith(f"/{each}") for path in known)] == []


def test_each_library_has_the_door_that_is_told() -> None:
    doors = section((DOCS / "explanation" / "architecture.md").read_text("utf-8"), "Directions")
    told = {name: set(words(place)) for names, place, _ in rows(doors) for name in names.split(", ")}
    for library, homes in HOMES.items():
        if library in told:
            assert {each.removesuffix(".py").rstrip("/*") for each in told[library]} == {
                each.removesuffix(".py").rstrip("/") for each in homes
            }, library
    assert len(set(told) & set(HOMES)) >= 7
