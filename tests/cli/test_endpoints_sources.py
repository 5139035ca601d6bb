"""Where the catalogue comes from: what the user names, what the service publishes, what is built in."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from astalty_cli.api import contract
from astalty_cli.services.endpoints.catalogue import cached_operations
from tests.support.accounts import Account
from tests.support.documents import Json, age, ago, copies, openapi, publishing
from tests.support.hostile import CANARY, Answer, at
from tests.support.serving import free_port
from tests.support.shell import Shell

PATHS = "endpoints list --query [].path"
YAML = b"openapi: 3.0.3\npaths:\n  /y:\n    get:\n      responses:\n        200: {description: Fine.}\n"
DOCUMENTED = [path for _, path in contract.DOCUMENTED]
PAGE: Answer = ("200 OK", {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Docs</title>")
LONG_AGO = "2026-01-01T00:00:00Z"


def one(path: str) -> Json:
    return openapi({path: {"get": {}}})


def signed_in(shell: Shell, url: str, catalogue: str) -> None:
    """A profile with a catalogue of its own."""
    shell.config.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = shell.config / "config.toml"
    file.write_text(f'[profiles.default]\nbase_url = "{url}"\ncatalogue = {json.dumps(catalogue)}\n')
    file.chmod(0o600)


# -- the order -------------------------------------------------------------------------------------


def test_the_flag_beats_the_profile_which_beats_what_is_published(shell: Shell) -> None:
    (shell.home / "flag.json").write_text(json.dumps(one("/flag")))
    (shell.config).mkdir(mode=0o700, parents=True)
    (shell.config / "profile.json").write_text(json.dumps(one("/profile")))
    with publishing({contract.OPENAPI: one("/published")}) as (site, url):
        signed_in(shell, url, "profile.json")
        assert shell(f"{PATHS} --from flag.json").out == "/flag\n"
        assert shell(PATHS).out == "/profile\n"
        assert site.calls == []
        assert shell(PATHS, env={"ASTALTY_BASE_URL": url}).out == "/profile\n"
        signed_in(shell, "https://other.example", "profile.json")
        assert shell(PATHS, env={"ASTALTY_BASE_URL": url}).out == "/published\n"


@pytest.mark.parametrize("address", contract.CATALOGUES)
def test_each_known_address_is_asked_in_order(shell: Shell, address: str) -> None:
    with publishing({address: one("/x")}) as (site, url):
        assert shell(PATHS, env=at(url)).out == "/x\n"
    assert site.calls == list(contract.CATALOGUES[: contract.CATALOGUES.index(address) + 1])
    assert not any("HTTP_AUTHORIZATION" in each for each in site.headers)


def test_the_generators_yaml_is_read(shell: Shell) -> None:
    with publishing({"/docs.openapi": YAML}) as (_, url):
        assert shell("endpoints list --json", env=at(url)).json[0]["path"] == "/y"
        shown = shell("endpoints show GET y --json", env=at(url))
    assert shown.json["operation"]["responses"] == {"200": {"description": "Fine."}}
    assert shown.err.startswith("From a copy, ")


@pytest.mark.parametrize(
    "other",
    [PAGE, ("302 Found", {"Location": "/login"}, b""), {"swagger": "2.0"}, b"", ("410 Gone", {}, b"")],
)
def test_what_is_no_document_does_not_end_the_search(shell: Shell, other: Any) -> None:
    with publishing({contract.OPENAPI: other, "/docs/api.json": one("/x")}) as (_, url):
        assert shell(PATHS, env=at(url)).out == "/x\n"


def test_no_other_address_is_asked_where_the_service_fails(shell: Shell) -> None:
    failing: Answer = ("500 Internal Server Error", {}, b"")
    with publishing({contract.OPENAPI: failing, "/docs/api.json": one("/x")}) as (site, url):
        assert "HTTP 500" in shell(PATHS, code=6, env=at(url)).err
    assert site.calls == [contract.OPENAPI]


# -- what is remembered ----------------------------------------------------------------------------


def test_where_it_was_found_is_asked_first_for_a_day(shell: Shell) -> None:
    with publishing({"/docs/api.json": ("200 OK", {"ETag": '"1"'}, json.dumps(one("/x")).encode())}) as (
        site,
        url,
    ):
        shell(PATHS, env=at(url))
        age(shell, ago(hours=2))
        shell(PATHS, env=at(url))
        assert site.calls[3:] == ["/docs/api.json"]
        assert site.headers[3]["HTTP_IF_NONE_MATCH"] == '"1"'
        age(shell, ago(hours=25))
        shell(PATHS, env=at(url))
        assert site.calls[4:] == list(contract.CATALOGUES)
        assert ["HTTP_IF_NONE_MATCH" in each for each in site.headers[4:]] == [False, False, True]


@pytest.mark.parametrize("nothing", [None, PAGE, ("302 Found", {"Location": "/login"}, b"")])
def test_that_there_is_none_is_remembered_for_a_day(shell: Shell, nothing: Answer | None) -> None:
    with publishing(dict.fromkeys(contract.CATALOGUES, nothing) if nothing else {}) as (site, url):
        for _ in range(3):
            assert shell(PATHS, env=at(url)).out.splitlines() == DOCUMENTED
        assert len(site.calls) == 3
        shell("endpoints show GET participants", env=at(url))
        assert len(site.calls) == 3
        age(shell, ago(hours=23))
        shell(PATHS, env=at(url))
        assert len(site.calls) == 3
        age(shell, ago(hours=25))
        shell(PATHS, env=at(url))
        assert len(site.calls) == 6
        shell(f"{PATHS} --refresh", env=at(url))
        assert len(site.calls) == 9


def test_a_document_that_is_published_later_is_found_by_refresh(shell: Shell) -> None:
    answers: dict[str, Any] = {}
    with publishing(answers) as (site, url):
        assert shell(PATHS, env=at(url)).out.splitlines() == DOCUMENTED
        site.answers = {contract.OPENAPI: ("200 OK", {}, json.dumps(one("/x")).encode())}
        assert shell(PATHS, env=at(url)).out.splitlines() == DOCUMENTED
        assert shell(f"{PATHS} --refresh", env=at(url)).out == "/x\n"


def test_a_document_that_is_taken_away_is_gone(shell: Shell) -> None:
    with publishing({contract.OPENAPI: one("/x")}) as (site, url):
        shell(PATHS, env=at(url))
        age(shell, LONG_AGO)
        site.answers = {"/docs.openapi": PAGE}
        assert shell(PATHS, env=at(url)).out.splitlines() == DOCUMENTED


def test_a_page_where_a_document_was_decides_nothing(shell: Shell) -> None:
    with publishing({contract.OPENAPI: one("/x")}) as (site, url):
        shell(PATHS, env=at(url))
        site.answers = dict.fromkeys(contract.CATALOGUES, PAGE)
        assert "is a web page" in shell(f"{PATHS} --refresh", code=6, env=at(url)).err
        age(shell, LONG_AGO)
        done = shell(PATHS, env=at(url))
    assert done.out == "/x\n"
    assert "is a web page. This is from a copy" in " ".join(done.err.split())


def test_that_nobody_answers_is_not_remembered(shell: Shell) -> None:
    with free_port() as port:
        assert "Cannot reach" in shell(PATHS, code=6, env=at(f"http://127.0.0.1:{port}")).err
    assert copies(shell) == []


# -- the built-in one ------------------------------------------------------------------------------


def test_a_service_without_a_document_has_the_documented_calls(shell: Shell) -> None:
    with publishing({}) as (_, url):
        listed = shell("endpoints list --json", env=at(url))
        assert [(each["method"], each["path"]) for each in listed.json] == list(contract.DOCUMENTED)
        assert {each["source"] for each in listed.json} == {"built-in"}
        assert listed.err.count("built-in") == 1
        assert " ".join(listed.err.split()).startswith(f"{url} publishes no endpoint catalogue.")
        assert shell("endpoints list -q", env=at(url)).err == ""
        shown = shell("endpoints show GET participants --json", env=at(url))
        assert shown.json["source"] == "built-in"
        assert shown.json["astalty"].startswith("astalty api 'participants?page[size]=5'")
        assert "built-in" in shown.err
        missing = shell("endpoints show POST participants --json", code=3, env=at(url)).error
        assert missing["message"] == "There is no POST participants in this catalogue."


def test_what_is_built_in_is_not_taken_for_what_was_listed(shell: Shell) -> None:
    with publishing({}) as (_, url):
        shell("endpoints list", env=at(url))
    assert list((shell.home / ".cache" / "astalty").glob("completion/*")) == []


def test_each_call_that_is_built_in_can_be_shown(shell: Shell) -> None:
    with publishing({}) as (_, url):
        for method, path in contract.DOCUMENTED:
            shown = shell(f"endpoints show {method} '{path}' -o table", env=at(url)).out
            assert "To run" in shown
            assert "ocumented by Astalty" in shown


# -- a file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "data"), [("x.json", json.dumps(one("/y")).encode()), ("x.yaml", YAML)])
def test_a_file_is_read_and_nobody_is_asked(shell: Shell, name: str, data: bytes) -> None:
    (shell.home / name).write_bytes(data)
    (shell.home / "link").symlink_to(name)
    env = {"ASTALTY_BASE_URL": "http://127.0.0.1:1"}
    for named in (name, f"./{name}", str(shell.home / name), "link", f"'~/{name}'"):
        listed = shell(f"endpoints list --json --from {named}", env=env)
        assert [(each["path"], each["source"]) for each in listed.json] == [("/y", "file")]
        assert listed.err == ""
    assert shell(f"endpoints show GET y --from {name} --json", env=env).json["source"] == "file"
    assert copies(shell) == []
    assert shell("__complete api ''").rows == [["y", "GET"]]


def _folder(path: Path) -> None:
    path.mkdir()


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _unreadable(path: Path) -> None:
    path.symlink_to("nowhere")


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_folder, "Is a directory"),
        (_fifo, "not a regular file"),
        (_device, "not a regular file"),
        (_huge, "larger than 16 MiB"),
        (_unreadable, "No such file"),
        (lambda path: path.write_bytes(PAGE[2]), "is a web page"),
        (lambda path: path.write_text('{"swagger": "2.0"}'), "is a Swagger 2 document"),
    ],
)
def test_what_is_no_such_file_is_a_clear_line(shell: Shell, make: Any, says: str) -> None:
    shell.config.mkdir(mode=0o700, parents=True)
    make(shell.config / "named")
    refused = shell(f"endpoints list --from {shell.config / 'named'} --json", code=2).error
    assert says in refused["message"]
    signed_in(shell, "https://api.example", "named")
    assert says in shell("endpoints list --json", code=2).error["message"]


@pytest.mark.parametrize("name", ["", "  ", "nul\0", "~nobody-of-that-name/x"])
def test_a_setting_that_names_no_file(shell: Shell, name: str) -> None:
    signed_in(shell, "https://api.example", name)
    assert shell("endpoints list --json", code=2).error["code"] in {"usage", "local"}


def test_signing_in_again_keeps_the_setting_for_the_same_address(served: Account) -> None:
    shell, file = served.shell, served.shell.config / "config.toml"
    file.write_text(file.read_text() + '\ncatalogue = "mine.json"\n')
    secret = served.home.secret().reveal()
    shell("auth login --with-token --storage file -y", stdin=secret)
    assert 'catalogue = "mine.json"' in file.read_text()
    file.write_text(file.read_text().replace(str(served.base_url), "https://other.example"))
    line = f"auth login --with-token --storage file -y --base-url {served.base_url}"
    shell(line, stdin=secret)
    assert "catalogue" not in file.read_text()


# -- a URL -----------------------------------------------------------------------------------------


def test_another_host_gets_no_key(served: Account, shell: Shell) -> None:
    with publishing({"/openapi.yaml": YAML}) as (site, url):
        line = f"endpoints list --json --from '{url}/openapi.yaml?token=abc#part' -v"
        listed = shell(line, env={"ASTALTY_API_KEY": CANARY})
        assert [(each["path"], each["source"]) for each in listed.json] == [("/y", "url")]
        assert "abc" not in listed.err
        shell(f"endpoints list -p sandbox --refresh --from '{url}/openapi.yaml?token=abc'")
        signed_in(shell, str(served.base_url), f"{url}/openapi.yaml")
        assert shell("endpoints list --json").json == listed.json
    assert site.calls == ["/openapi.yaml"] * 3
    secrets = [CANARY, served.home.secret().reveal()]
    assert not any("HTTP_AUTHORIZATION" in each for each in site.headers)
    assert not any(secret in str(site.headers) for secret in secrets)


def test_the_services_own_address_gets_no_key_either(shell: Shell) -> None:
    with publishing({"/mine": one("/x")}) as (site, url):
        assert shell(f"{PATHS} --from {url}/mine", env=at(url)).out == "/x\n"
    assert not any("HTTP_AUTHORIZATION" in each for each in site.headers)


def test_what_was_named_is_kept_apart_and_used_for_an_hour(shell: Shell) -> None:
    with publishing({"/a": one("/a"), "/b": one("/b"), contract.OPENAPI: one("/c")}) as (site, url):
        for _ in range(2):
            for each in "ab":
                assert shell(f"{PATHS} --from {url}/{each}", env=at(url)).out == f"/{each}\n"
            assert shell(PATHS, env=at(url)).out == "/c\n"
        assert site.calls == ["/a", "/b", contract.OPENAPI]
        shell(f"{PATHS} --from {url}/a --refresh", env=at(url))
        assert site.calls[3:] == ["/a"]


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (("302 Found", {"Location": "http://127.0.0.1:1/x"}, b""), 6, "redirects to http://127.0.0.1:1/x"),
        (("404 Not Found", {}, b"{}"), 3, "There is no endpoint catalogue at"),
        (("500 No", {}, b"{}"), 6, "HTTP 500"),
        (PAGE, 6, "is a web page"),
        ({"swagger": "2.0"}, 6, "is a Swagger 2 document"),
        (b" " * (16 << 20) + b"{}", 6, "larger than 16 MiB"),
    ],
)
def test_a_url_without_a_document_is_an_error_each_time(
    shell: Shell, answer: Any, code: int, says: str
) -> None:
    with publishing({"/x": answer}) as (site, url):
        for _ in range(2):
            refused = shell(f"endpoints list --json --from {url}/x", code=code, env=at(url)).error
            assert says in refused["message"]
        assert site.calls == ["/x", "/x"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://other.example/openapi.json", "plain http"),
        ("ftp://other.example/x", "does not start with https://"),
        ("file:///etc/passwd", "does not start with https://"),
        (f"https://me:{CANARY}@other.example/x", "A catalogue URL holds no user name"),
        ("https://other.example:port/x", "not a URL"),
        ("https://exämple.test/x", "not plain ASCII"),
        (f"http://other.example/x?token={CANARY}", "The catalogue URL seems to contain a secret"),
        (
            f"ftp://other.example/x?a={CANARY[:12]}",
            "Cannot read the catalogue URL 'ftp://other.example/x': it",
        ),
        ("https:///x", "and a host"),
    ],
)
def test_a_url_that_is_not_used(shell: Shell, url: str, says: str) -> None:
    refused = shell(f"endpoints list --json --from '{url}'", code=2).error
    assert says in refused["message"]
    assert CANARY not in str(refused)


# -- for other capabilities ------------------------------------------------------------------------


def test_what_was_fetched_from_an_origin_is_known(shell: Shell) -> None:
    folder = shell.home / ".cache" / "astalty" / "catalogue"
    paths: Json = {"/api-keys/{key}/rotate": {"post": {}}, "/public/v1/users": {"get": {}}}
    with publishing({contract.OPENAPI: openapi(paths), "/x": one("/x")}) as (_, url):
        assert cached_operations(folder, url) is None
        shell(f"endpoints list --from {url}/x", env=at(url))
        assert cached_operations(folder, url) is None
        shell("endpoints list", env=at(url))
        expected = {("POST", contract.rotate("{id}")), ("GET", contract.USERS)}
        assert cached_operations(folder, url) == expected
        assert cached_operations(folder, "https://other.example") is None
    for copy in copies(shell):
        copy.write_text(json.dumps(json.loads(copy.read_text()) | {"checked_at": ago(hours=25)}))
    assert cached_operations(folder, url) is None


def test_what_is_built_in_counts_for_nothing(shell: Shell) -> None:
    folder = shell.home / ".cache" / "astalty" / "catalogue"
    with publishing({}) as (_, url):
        shell("endpoints list", env=at(url))
        assert cached_operations(folder, url) is None
