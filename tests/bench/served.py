"""What the measurements share: a sandbox server in a process of its own, and a signed-in user."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from astalty_cli.sandbox.home import Home
from tests.support.shell import ASTALTY, Shell


@dataclass(frozen=True)
class Served:
    shell: Shell
    home: Home
    base_url: str

    def command(self, *words: str) -> list[str]:
        return [str(ASTALTY), *words]

    def list_calls(self) -> dict[int, int]:
        """How many calls of the history's list the service has logged, by status."""
        store = self.home.open()
        with store.database.read() as connection:
            rows = connection.execute(
                "SELECT status, count(*) FROM api_requests WHERE path LIKE '/public/v1/api-requests?%'"
                " GROUP BY status"
            ).fetchall()
        store.close()
        return {row[0]: row[1] for row in rows}


@contextmanager
def served(entries: int, rate_limit: int) -> Iterator[Served]:
    """A big account behind a server, and a shell that is signed in to it; both are gone afterwards."""
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        shell = Shell(home)
        database = Path(folder) / "served" / "sandbox.db"
        shell_run(shell, "sandbox", "seed", "--entries", str(entries), "--database", str(database))
        sandbox = Home(database)
        secret = sandbox.secret().reveal()
        options = ("--port", "0", "--rate-limit", str(rate_limit), "--database", str(database))
        with subprocess.Popen(
            [str(ASTALTY), "sandbox", "serve", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=shell.environ,
        ) as server:
            try:
                assert server.stdout is not None
                base_url = server.stdout.readline().strip()
                shell(f"auth login --with-token --storage file --base-url {base_url}", stdin=f"{secret}\n")
                yield Served(shell, sandbox, base_url)
            finally:
                server.terminate()


def shell_run(shell: Shell, *words: str) -> str:
    done = subprocess.run(
        [str(ASTALTY), *words], capture_output=True, text=True, env=shell.environ, check=True
    )
    return re.sub(r"\s+", " ", done.stderr).strip()
