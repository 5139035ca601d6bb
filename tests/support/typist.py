"""Runs a script on a terminal and answers its questions: `python -m tests.support.typist SCRIPT [ANSWER…]`.

What is asked for without echo is taken from the environment, `KEY` or `LEAKED`; the answers to yes-or-no
questions are given as arguments, in order.
"""

import os
import sys

import pexpect

HIDDEN = {"API key (not shown): ": "KEY", "Leaked secret (not shown): ": "LEAKED"}
_ECHO_IS_OFF = 30  # seconds to wait for it at most


def main(script: str, answers: list[str]) -> int:
    child = pexpect.spawn(
        "bash",
        ["-ec", script],
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "ASTALTY_PAGER": "cat"},  # nobody types q
        encoding="utf-8",
        timeout=240,
        dimensions=(200, 80),
    )
    child.logfile_read = sys.stdout
    while (asked := child.expect_exact([*HIDDEN, "[y/N] ", pexpect.EOF])) != len(HIDDEN) + 1:
        if asked < len(HIDDEN):
            if not child.waitnoecho(_ECHO_IS_OFF):  # type: ignore[func-returns-value] # it does return one
                raise TimeoutError(f"The terminal still echoes what is typed after {list(HIDDEN)[asked]!r}.")
            child.sendline(os.environ[list(HIDDEN.values())[asked]])
        else:
            child.sendline(answers.pop(0))
    child.wait()  # what it printed ends before it does
    return 1 if child.exitstatus is None else child.exitstatus  # none where a signal has ended it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
