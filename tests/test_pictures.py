"""The pictures of the documentation can be shown anywhere, load nothing, and are all used."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support import pictures
from tests.support.pages import DOCS, PAGES, README
from tests.support.shell import Shell

PICTURES = sorted((DOCS / "pictures").glob("*.svg"))
NAMESPACE = "http://www.w3.org/2000/svg"


def check(svg: str) -> None:
    assert ET.fromstring(svg).tag == f"{{{NAMESPACE}}}svg"
    assert set(re.findall(r"https?://[^\"'\s<)]+", svg)) <= {NAMESPACE, "http://sandbox.localhost"}
    assert not re.search(r"@font-face|<script|<image|url\((?!#)|/tmp/|/root\b", svg)
    assert len(svg.encode()) < 60_000


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_small_and_loads_nothing(picture: Path) -> None:
    check(picture.read_text("utf-8"))


def test_each_picture_is_used_and_says_what_it_shows() -> None:
    shown = [
        ((page.parent / target).resolve(), alt)
        for page in [README, *PAGES]
        for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text("utf-8"))
    ]
    assert {picture for picture, _ in shown} == set(PICTURES)
    assert [picture.name for picture, alt in shown if len(alt) < 20] == []


def test_the_script_draws_these_pictures(shell: Shell) -> None:
    drawn = dict(pictures.pictures(shell))
    assert set(drawn) == {picture.stem for picture in PICTURES}
    for svg in drawn.values():
        check(svg)
