"""What holds for the whole process, whatever the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from astalty_cli.output.streams import Streams


class Folders(NamedTuple):
    """Where files of ours lie: the configuration, data, and what may be lost."""

    config: Path
    data: Path
    cache: Path

    @classmethod
    def of_this_user(cls) -> Folders:
        from platformdirs import user_cache_path, user_config_path, user_data_path

        places = (user_config_path, user_data_path, user_cache_path)
        return cls(*(place("astalty", appauthor=False) for place in places))


@dataclass(frozen=True)
class Program:
    """The words typed, the streams, the environment, the folders.

    `run` runs such a program: for a command that runs other ones.
    """

    argv: Sequence[str]
    streams: Streams
    environ: Mapping[str, str] = field(repr=False)  # it may hold a key
    run: Callable[[Program], int]
    find_folders: Callable[[], Folders] = Folders.of_this_user

    @cached_property
    def folders(self) -> Folders:
        return self.find_folders()
