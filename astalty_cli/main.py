"""One run of the program: from the words typed to an exit code. Every error ends here."""

import itertools
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TextIO

from astalty_cli.base import hiding, signals
from astalty_cli.base.errors import AstaltyError, InterruptedByUser, LocalError, ReaderLeftError, UsageError
from astalty_cli.cli import completion
from astalty_cli.output.report import report
from astalty_cli.output.streams import Streams
from astalty_cli.program import Program

_FOLDERS = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")


def main(argv: Sequence[str]) -> int:
    """Run as this process's user, on its streams and environment."""
    environ = dict(os.environ)
    signals.disable_core_files()
    signals.treat_as_ctrl_c()
    streams = Streams(_opened(sys.stdin, 0), _opened(sys.stdout, 1), _opened(sys.stderr, 2), environ)
    code = run(Program(argv, streams, environ, run))
    _silence(streams)
    return code


def run(program: Program) -> int:
    """Run one command line and return its exit code; what went wrong has been said on stderr."""
    if program.argv[:1] == [completion.WORD]:
        return completion.run(program)
    import typer

    from astalty_cli.cli.app import app

    _see_secrets(program)
    error: AstaltyError
    try:
        _check_encoding(program)
        result = app.main(list(program.argv), prog_name="astalty", standalone_mode=False, obj=program)
        program.streams.stdout.flush()
        return result if isinstance(result, int) else 0
    except AstaltyError as raised:
        error = raised
    except typer.TyperException as raised:
        from astalty_cli.cli.usage import usage_error

        error = usage_error(raised, program.argv)
    except typer.Abort:
        error = InterruptedByUser()
    except OSError as raised:  # files of ours raise LocalError, so this is a stream
        error = ReaderLeftError() if isinstance(raised, BrokenPipeError) else _unwritable(raised)
    except Exception as raised:  # noqa: BLE001 - the last door: a bug of ours
        error = _bug(raised)
    _report(error, program)
    return error.exit_code


def _see_secrets(program: Program) -> None:
    """Let the keys that this user has be hidden, also if the command fails before it reads one."""
    from astalty_cli.base.vocabulary import API_KEY

    hiding.see(program.environ.get(API_KEY, ""))

    def see_stored() -> None:
        from astalty_cli.config.credentials import see_stored

        see_stored(program.folders.config, program.folders.data)

    hiding.see_later(see_stored)


def _opened(stream: TextIO | None, number: int) -> TextIO:
    """A standard stream that can spell any text; one that was closed becomes a pipe nobody reads.

    Left alone, its number would go to the next file opened, and what is printed would end up there.
    """
    if stream is None:
        reading, writing = os.pipe()
        os.dup2(writing if number else reading, number)
        for each in {reading, writing} - {number}:
            os.close(each)
        stream = open(number, "w" if number else "r", encoding="utf-8")  # noqa: SIM115
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace" if number else "surrogateescape")
    return stream


def _report(error: AstaltyError, program: Program) -> None:
    try:
        if not isinstance(error, ReaderLeftError):
            report(error, program.streams, as_json=_wants_json(program.argv))
        program.streams.stdout.flush()
    except OSError:
        pass  # there is nobody left to tell; the exit code says it


def _unwritable(raised: OSError) -> LocalError:
    return LocalError(f"Cannot write the output: {raised.strerror or raised}.")


def _check_encoding(program: Program) -> None:
    """Raises UsageError for what could be in no JSON, such as the path of a file."""
    words = [("An argument", word) for word in program.argv]
    words += [(name, program.environ.get(name, "")) for name in _FOLDERS]
    for name, word in words:
        if any("\ud800" <= char <= "\udfff" for char in word):
            raise UsageError(f"{name} is not valid UTF-8: {word!a}.")


def _wants_json(argv: Sequence[str]) -> bool:
    """Whether a JSON output was asked for; read off the words, since they may not have parsed."""
    words = list(itertools.takewhile(lambda word: word != "--", argv))
    joined = {*words, *("=".join(pair) for pair in itertools.pairwise(words))}
    return "--json" in words or any(
        f"{flag}{name}" in joined for flag in ("-o", "-o=", "--output=") for name in ("json", "jsonl")
    )


def _bug(raised: Exception) -> AstaltyError:
    """Name the place, never the text: nobody knows what an unforeseen exception carries."""
    import traceback

    frames = traceback.extract_tb(raised.__traceback__)
    ours = [frame for frame in frames if "astalty_cli" in frame.filename] or frames
    place = f"{ours[-1].filename.rpartition('astalty_cli')[2].lstrip('/')}:{ours[-1].lineno}"
    return AstaltyError(
        f"This is a bug of astalty: {type(raised).__name__} at {place}.",
        hint="Please report it with the command that you typed.",
    )


def _silence(streams: Streams) -> None:
    """Where a stream cannot be written, keep Python from complaining when it flushes at exit."""
    for stream in (streams.stdout, streams.stderr):
        try:
            stream.flush()
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
