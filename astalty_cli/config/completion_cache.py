"""What completion offers without asking anybody: names and ids of keys, and the catalogue's calls.

One small file a profile in the cache folder, written by the commands that came to know it. It may be
stale or missing, and it never holds a secret. A line is a kind, and two words: no library reads it.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError

_KEY: Final = "key"
_CALL: Final = "call"
_MOST: Final = 5000  # of a kind: all is read on every key press


class CompletionCache:
    """The words of one profile. Nothing here raises: a command does its work without them."""

    def __init__(self, cache: Path, profile: str) -> None:
        self._path = cache / "completion" / f"{profile}.tsv"

    def keys(self) -> dict[str, str]:
        """The name of each key that works, by its id."""
        return {first: second for kind, first, second in self._lines() if kind == _KEY}

    def calls(self) -> list[tuple[str, str]]:
        """Method and path of each call that the service offers."""
        return [(first, second) for kind, first, second in self._lines() if kind == _CALL]

    def set_keys(self, names: Mapping[str, str]) -> None:
        self._write(names.items(), self.calls())

    def note_key(self, key_id: str, name: str | None) -> None:
        """A key was created or has another name; None: it is gone."""
        others = {each: known for each, known in self.keys().items() if each != key_id}
        self.set_keys(others if name is None else {key_id: name} | others)

    def set_calls(self, calls: Iterable[tuple[str, str]]) -> None:
        self._write(self.keys().items(), calls)

    def _lines(self) -> list[list[str]]:
        try:
            lines = private_files.read_text(self._path).splitlines()
        except (OSError, ValueError):
            return []
        return [parts for line in lines if len(parts := line.split("\t")) == 3]

    def _write(self, keys: Iterable[tuple[str, str]], calls: Iterable[tuple[str, str]]) -> None:
        rows = [(_KEY, *each) for each in islice(keys, _MOST)]
        rows += [(_CALL, *each) for each in islice(calls, _MOST)]
        # What a shell cannot be given is left out: such a key is still to be had by its id.
        lines = ["\t".join(row) for row in rows if all(word.isprintable() for word in row)]
        from astalty_cli.base.hiding import contains_secret

        if contains_secret("\n".join(lines)):
            lines = [line for line in lines if not contains_secret(line)]
        text = "".join(f"{line}\n" for line in lines)
        with suppress(OSError, ValueError):
            if private_files.read_text(self._path) == text:
                return
        with suppress(OSError, LocalError):
            private_files.write_private(self._path, text.encode())
