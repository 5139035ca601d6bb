"""Runs a script on a terminal and answers its questions: `python -m tests.support.typist SCRIPT [ANSWER…]`.

What is asked for without echo is taken from the environment: `KEY`, `NEW` or `LEAKED`. Without `NEW`, the key
is created at the sandbox's web pages, as the program has said just before. The answers to
yes-or-no questions are given as arguments, in order. Where the program waits for a person at the web page,
Ctrl-C leaves it.
"""

import os
import sys

import pexpect

from tests.support import at_page

HIDDEN = {
    "API key (not shown): ": "KEY",
    "New key (not shown): ": "NEW",
    "Leaked secret (not shown): ": "LEAKED",
}
_YES_OR_NO = "[y/N] "
_WAITS = "press Ctrl-C to finish later."
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
    expected: list[str | type[pexpect.EOF]] = [*HIDDEN, _YES_OR_NO, _WAITS, pexpect.EOF]
    while (asked := expected[child.expect_exact(expected)]) is not pexpect.EOF:
        if asked == _YES_OR_NO:
            child.sendline(answers.pop(0))
        elif asked == _WAITS:
            child.sendintr()
        else:
            if not child.waitnoecho(_ECHO_IS_OFF):  # type: ignore[func-returns-value] # it does return one
                raise TimeoutError(f"The terminal still echoes what is typed after {asked!r}.")
            child.sendline(os.environ[HIDDEN[asked]] or at_page.follow(child.before))
    child.wait()  # what it printed ends before it does
    return 1 if child.exitstatus is None else child.exitstatus  # none where a signal has ended it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
