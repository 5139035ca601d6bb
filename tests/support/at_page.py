"""A reader of the documentation at the sandbox's web pages: `python -m tests.support.at_page < BLOCK`.

A block says what to enter there, in lines such as `Name  payroll`. What the page then shows to copy is
printed. The first use signs in with `LINK`, which the sandbox has shown.
"""

import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from astalty_cli.base.vocabulary import Access
from astalty_cli.sandbox.pages.page_user import PageUser

_ENTERED = re.compile(r"^ *(Name|Access Level|Delete) {2,}(.*?)\s*$", re.MULTILINE)
_ACCESS = {
    "Read Only": Access.READ_ONLY,
    "Full Access": Access.FULL_ACCESS,
    "the same as before": Access.READ_ONLY,  # of keys that were recorded without it
}


def follow(block: str) -> str:
    """Do what it says; return the new key, if there is one."""
    entered = dict(_ENTERED.findall(block))
    user = _reader()
    if "Delete" in entered:
        user.delete_key(entered["Delete"])
        return ""
    return user.create_key(entered["Name"], _ACCESS[entered["Access Level"]])


def _reader() -> PageUser:
    link, cookie = urlsplit(os.environ["LINK"]), Path.home() / ".cookie"
    base_url = f"{link.scheme}://{link.netloc}"
    if cookie.exists():
        return PageUser(base_url, cookie.read_text())
    user = PageUser.signed_in(base_url, link.path)
    cookie.write_text(user.cookie)
    return user


if __name__ == "__main__":
    sys.stdout.write(follow(sys.stdin.read()))
