"""Completion: what is offered on a key press, and what becomes of the line in real shells."""

import os
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.accounts import Account
from tests.support.completing import SHELLS, TAB, Interactive
from tests.support.shell import Shell

FILES = 3
NAMES = [
    "plain",
    "two words",
    "svc::deploy",
    "k==v",
    "it's $HOME",
    'say "hi" $(touch pwned) `id`',
    "back\\slash",
    "a:b=c",
    "日本",
    "deploy !#;touch pwned; #",
    "!! !$ !touch ^a^b",
    "a' !;touch pwned; 'b",
    "\\' ;touch pwned;'",
    "%F{red}$(touch pwned) %1 %self",
    "~root =ls {a,b} *?[x] <(touch pwned) | & > # (touch pwned)",
    "trailing\\",
    'ends"',
    "ends!",
    "$'\\x41' \\n -- --to=exec:'touch pwned'",
]


def offered(shell: Shell, line: str) -> list[str]:
    return [row[0] for row in shell(f"__complete {line}").rows]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("''", ["auth", "keys", "history", "endpoints", "sandbox", "api", "doctor", "completion"]),
        ("hi", ["history"]),
        ("-", ["--help"]),
        ("keys r", ["rename", "rotate", "revoke", "recover"]),
        ("keys rotate --g", ["--grace"]),
        ("keys list -o ''", ["table", "tsv", "json", "jsonl", "csv"]),
        ("keys list --output js", ["json", "jsonl"]),
        ("keys ls --output=c", ["--output=csv"]),
        ("keys list --status active,r", ["active,revoked"]),
        ("history list --method GET,PO", ["GET,POST"]),
        ("history list --sort na", []),
        ("history stats --by p", ["path"]),
        ("history show --as h", ["httpie"]),
        ("keys audit --fail-on old,un", ["old,unused"]),
        ("auth login --storage f", ["file"]),
        ("api x -X PU", ["PUT"]),
        ("api x -X p", ["post", "put", "patch"]),
        ("keys create x --to d", ["dotenv:"]),
        ("keys list --profile s", ["sandbox"]),
        ("keys list -ps", ["-psandbox"]),
        ("keys list -ojs", ["-ojson", "-ojsonl"]),
        ("keys list -- -ojs", []),
        ("keys list -p=s", []),
        ("auth switch ''", ["sandbox"]),
        ("completion f", ["fish"]),
        ("nonsense ''", []),
        ("keys nonsense ''", []),
        ("keys rotate -- --gr", []),
        ("keys list --nonsense --json --o", ["--output"]),
    ],
)
def test_words_flags_and_values_are_offered(shell: Shell, line: str, words: list[str]) -> None:
    assert offered(shell, line) == words


@pytest.mark.parametrize(
    "line", ["history export ''", "auth login --ca-file ''", "keys panic --report ''", "api x --input ''"]
)
def test_files_are_the_shell_s_to_offer(shell: Shell, line: str) -> None:
    assert shell(f"__complete {line}", code=FILES).out == ""


def test_a_word_comes_with_what_it_means(shell: Shell) -> None:
    assert shell("__complete keys ren").out == "rename\tRename a key.\n"


def test_keys_are_known_once_they_were_listed(sandbox: Account, shell: Shell) -> None:
    assert offered(shell, "keys show P") == []
    key_id = shell("keys list --query \"[?name=='Payroll export'].id\"").out.strip()
    assert offered(shell, "keys show P") == ["Payroll export"]
    assert offered(shell, "keys revoke sandbox P") == ["Payroll export"]
    assert offered(shell, "keys revoke 'Payroll export' P") == []
    assert offered(shell, f"history list --key {key_id[:5]}") == [key_id]


def test_a_key_that_is_made_renamed_or_revoked_is_known_as_such(sandbox: Account, shell: Shell) -> None:
    shell("keys create first --to file:first")
    assert offered(shell, "keys show fi") == ["first"]
    shell("keys rename first later")
    assert (offered(shell, "keys show fi"), offered(shell, "keys show la")) == ([], ["later"])
    shell("keys revoke later --yes")
    assert offered(shell, "keys show la") == []


def test_each_profile_has_its_own_keys(served: Account, shell: Shell) -> None:
    shell("keys create mine --to file:mine")
    shell("keys create other --to file:other -p sandbox")
    assert (offered(shell, "keys show mi"), offered(shell, "keys show ot")) == (["mine"], [])
    assert offered(shell, "keys show -p sandbox ot") == ["other"]
    shell.environ["ASTALTY_PROFILE"] = "sandbox"
    assert (offered(shell, "keys show ot"), offered(shell, "keys show -p default mi")) == (
        ["other"],
        ["mine"],
    )
    del shell.environ["ASTALTY_PROFILE"]
    shell("auth switch sandbox")
    assert offered(shell, "keys show ot") == ["other"]


def test_paths_of_the_catalogue_are_known_once_it_was_listed(sandbox: Account, shell: Shell) -> None:
    documented = ["participants", "participants/{id}", "participants/{id}/goals"]
    assert offered(shell, "api part") == documented
    assert offered(shell, "api /pub")[0] == "/public/v1/participants"
    assert offered(shell, "endpoints show G") == ["GET"]
    assert offered(shell, "endpoints show GET us") == ["users"]
    shell("endpoints list")
    assert offered(shell, "api part")[0] == "participants"
    assert offered(shell, "api /part")[0] == "/participants"
    assert offered(shell, "api /public/v1/part")[0] == "/public/v1/participants"
    assert offered(shell, "endpoints show PATCH part") == ["participants/{participant_id}"]
    assert offered(shell, "api -X DELETE ''") == ["api-keys/{key_id}"]
    assert offered(shell, "endpoints show D") == ["DELETE"]
    assert offered(shell, "endpoints show d") == ["delete"]
    assert offered(shell, "endpoints show patch part") == ["participants/{participant_id}"]


def test_configured_profiles_are_offered(served: Account, shell: Shell) -> None:
    assert offered(shell, "auth switch ''") == ["default", "sandbox"]
    assert offered(shell, "keys create x --to keyring:") == ["keyring:default"]


def test_what_is_kept_for_it_is_private_and_no_secret(sandbox: Account, shell: Shell) -> None:
    secret = shell("keys create canary --plain").out.strip()
    shell("keys rotate canary --to file:out")
    shell("keys list")
    kept = [path for path in (shell.home / ".cache").rglob("*") if path.is_file()]
    assert [path.name for path in kept] == ["sandbox.tsv"]
    text = kept[0].read_text()
    assert "canary" in text
    assert secret not in text
    assert (shell.home / "out").read_text().strip() not in text
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600


def test_a_cache_that_is_stale_damaged_or_in_the_way_spoils_nothing(sandbox: Account, shell: Shell) -> None:
    shell("keys list")
    cache = shell.home / ".cache" / "astalty" / "completion"
    (cache / "sandbox.tsv").write_bytes(b"\xff\x00junk\nkey\tonly\nkey\ta\tb\tc\n")
    assert offered(shell, "keys show ''") == []
    (cache / "sandbox.tsv").unlink()
    os.mkfifo(cache / "sandbox.tsv")
    assert offered(shell, "keys show ''") == []
    assert shell("keys list").err == ""
    assert "Payroll export" in offered(shell, "keys show ''")
    shutil.rmtree(cache)
    cache.write_text("not a folder")
    assert shell("keys list").err == ""
    assert offered(shell, "keys show ''") == []
    shell.config.mkdir(parents=True)
    (shell.config / "config.toml").write_text("][")
    del shell.environ["ASTALTY_PROFILE"]
    assert offered(shell, "auth switch ''") == ["sandbox"]


def test_many_names_leave_room_for_the_catalogue_and_a_shell_need_not_hear_them_all(
    sandbox: Account, shell: Shell
) -> None:
    shell("endpoints list")
    cache = shell.home / ".cache" / "astalty" / "completion" / "sandbox.tsv"
    calls = cache.read_text()
    keys = "".join(f"key\t{number}\tkey number {number}\n" for number in range(6000))
    cache.write_text(keys + calls)
    shell("endpoints list")
    assert len(offered(shell, "keys show key")) == 5000
    assert "participants" in offered(shell, "api part")
    cut = "astalty __complete keys show key | true; exit ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", cut], env=shell.environ, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


# -- real shells -----------------------------------------------------------------------------------


@pytest.fixture(params=SHELLS)
def interactive(request: pytest.FixtureRequest, sandbox: Account, shell: Shell) -> Iterator[Interactive]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    shell("keys list")
    session = Interactive(shell, request.param)
    yield session
    session.close()


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("ke⇥", "keys"),
        ("keys sho⇥Pay⇥", "keys show 'Payroll export'"),
        ('keys show "Pay⇥', "keys show 'Payroll export'"),
        ("keys list --outp⇥jsonl⇥", "keys list --output jsonl"),
        ("keys list --output=cs⇥", "keys list --output=csv"),
        ("keys list --status active,exp⇥", "keys list --status active,expiring"),
        ("keys create x --to dote⇥A", "keys create x --to dotenv:A"),
        ("keys show -p sand⇥Pay⇥", "keys show -p sandbox 'Payroll export'"),
        ("history export some⇥", "history export some.jsonl"),
    ],
)
def test_shells_complete_the_line(interactive: Interactive, shell: Shell, typed: str, line: str) -> None:
    (shell.home / "some.jsonl").touch()
    assert interactive.words(f"astalty {typed.replace('⇥', TAB)}") == ["astalty", *shlex.split(line)]


def test_shells_show_what_can_be_meant(interactive: Interactive) -> None:
    interactive.offers("astalty keys r", "rename", "rotate", "revoke", "recover")


def test_nothing_is_lost_of_a_word_with_the_cursor_in_it(interactive: Interactive) -> None:
    left = "\x1b[D"
    completed = {"bash": "rotatename", "zsh": "roname", "fish": "roname"}[interactive.name]
    assert interactive.words(f"astalty keys roname{left * 4}{TAB}") == ["astalty", "keys", completed]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("svc::deploy", "svc::"),
        ("svc::deploy", "svc:"),
        ("k==v", "k=="),
        ("::error", ":"),
        ('a"b', 'a\\"'),
        ('a"b', '"a\\"'),
        ("it's so", "it\\'"),
    ],
)
def test_what_was_typed_stays(interactive: Interactive, shell: Shell, name: str, typed: str) -> None:
    shell(f"keys rename {_key(shell)} {shlex.quote(name)}")
    assert interactive.words(f"astalty keys show {typed}{TAB}") == ["astalty", "keys", "show", name]


def test_a_name_of_whatever_characters_stays_one_word(interactive: Interactive, shell: Shell) -> None:
    for number, name in enumerate(NAMES):
        shell(f"keys rename {_key(shell)} {shlex.quote(f'k{number}' + name)}")
        for quote in ("", '"', "'"):
            line = f"astalty keys show {quote}k{number}{TAB}"
            assert interactive.words(line) == ["astalty", "keys", "show", f"k{number}{name}"], line
    assert not (shell.home / "pwned").exists()


@pytest.mark.parametrize("name", ["~k", "=k", "%k", "^k", "#k", "!k", "{k"])
def test_the_first_character_of_a_name_is_taken_for_itself(
    interactive: Interactive, shell: Shell, name: str
) -> None:
    shell(f"keys rename {_key(shell)} {shlex.quote(name + ' only')}")
    for quote in ('"', "'"):
        line = f"astalty keys show {quote}{name}{TAB}"
        if (quote, name) != ('"', "!k"):  # that is the history's while it is typed
            assert interactive.words(line) == ["astalty", "keys", "show", f"{name} only"], line


def test_a_name_that_looks_like_an_option_is_offered_only_where_it_is_none(
    sandbox: Account, shell: Shell
) -> None:
    shell("keys create --to file:out -- '--to=exec:touch pwned'")
    assert "--to=exec:touch pwned" not in offered(shell, "keys rotate ''")
    assert "--to=exec:touch pwned" not in offered(shell, "keys rotate --t")
    assert offered(shell, "keys rotate -- --to") == ["--to=exec:touch pwned"]
    assert "--to=exec:touch pwned" in offered(shell, "history list --key ''")
    assert offered(shell, "history list --key=--to") == ["--key=--to=exec:touch pwned"]


def _key(shell: Shell) -> str:
    return next(row[0] for row in shell("keys list").rows if row[1] != "sandbox cli")


@pytest.mark.parametrize("name", SHELLS)
def test_the_script_says_where_it_goes(shell: Shell, name: str) -> None:
    assert f"astalty completion {name}" in shell(f"completion {name}").out.split("\n\n")[0]
