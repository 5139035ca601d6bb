"""The documentation as a site: `python -m tests.support.site` builds docs/ into site/.

It fails on a link that leads nowhere. zensical wants its configuration above the pages, and the site
below it, so it works on a copy.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.pages import DOCS, ROOT

CONFIG = "zensical.toml"


def build(target: Path) -> None:
    """Make the site anew in this folder; raises CalledProcessError with what zensical says."""
    with TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copytree(DOCS, work / "docs", ignore=shutil.ignore_patterns(CONFIG))
        shutil.copy(DOCS / CONFIG, work)
        command = [sys.executable, "-m", "zensical", "build", "--strict"]
        subprocess.run(command, cwd=work, check=True, capture_output=True, text=True, timeout=100)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(work / "site", target)


if __name__ == "__main__":
    try:
        build(ROOT / "site")
    except subprocess.CalledProcessError as error:
        sys.exit(error.stderr)
