"""Keys that must be nowhere, in the forms that keys may have, and the search for them in any spelling."""

import base64
import html
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import quote

_RANDOM = "Cn4rYaB3dE6gH9kM2nP5qR8sT1uV4wX7yZ0cF2hJ"  # 40 letters and digits
KEYS = {
    "ours": f"astalty_{_RANDOM}x9Y8z7",
    "sanctum": f"12|{_RANDOM}",
    "plain": _RANDOM,
    "odd": f"k9$#|\"{_RANDOM[:32]}'/+",
}
_WINDOW = 12  # characters: less of a key is no leak


def spelled(key: str) -> list[str]:
    """The key as services and people may repeat it, whole and behind its bar."""
    found = []
    for part in dict.fromkeys((key, key.partition("|")[2] or key)):
        found += [part, json.dumps(part)[1:-1], quote(part, safe=""), html.escape(part), part.lower()]
        found += [base64.b64encode(f"{'user'[:length]}{part}".encode()).decode() for length in range(3)]
    return found


@cache
def _needles(key: str) -> set[bytes]:
    """What only a text with some of the key has: each run of so many characters of it."""
    whole = key.partition("|")[2] or key
    needles = {whole[at : at + _WINDOW] for at in range(len(whole) - _WINDOW + 1)}
    for length in range(3):
        encoded = base64.b64encode(f"{'xyz'[:length]}{whole}".encode()).decode()[4:-4]
        needles |= {encoded[at : at + _WINDOW] for at in range(len(encoded) - _WINDOW + 1)}
    return {each.lower().encode() for each in needles}


def is_in(text: str | bytes, key: str) -> bool:
    data = (text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text).lower()
    return any(needle in data for needle in _needles(key))


def files_with(key: str, folder: Path, *, but: Iterable[Path] = ()) -> list[Path]:
    """Every file below the folder with some of the key in it or in its name; `but` is its own storage."""
    kept = set(but)
    return [
        path
        for path in folder.rglob("*")
        if path not in kept
        and (is_in(str(path.relative_to(folder)), key) or (path.is_file() and is_in(path.read_bytes(), key)))
    ]
