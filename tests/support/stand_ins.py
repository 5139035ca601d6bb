"""Programs that pages name and test machines lack: each records its arguments and its stdin, and succeeds."""

import re
from pathlib import Path

from astalty_cli import __version__

_RECORDS = """\
#!/bin/bash
printf '%s\\n' "$*" >> "$RECORDS/{name}.argv"
[ -t 0 ] || cat >> "$RECORDS/{name}.stdin"
"""

# Runs what follows the image, as a container with this home would.
_DOCKER = """\
#!/bin/bash
printf '%s\\n' "$*" >> "$RECORDS/docker.argv"
until [ "$1" = your-image ] || [ $# = 0 ]; do shift; done
exec "${@:2}"
"""

# What an index has under the name may be anybody's: this version's wheel is installed, or the folder that one
# stands in.
_PACKAGE = rf"^\.(/.+/astalty_cli-{re.escape(__version__)}-py3-none-any\.whl)?(\[[a-z,]+\])?$"
_INSTALLS = f"""\
#!/bin/bash
package='{_PACKAGE}'
[[ $1 = install && ${{@: -1}} =~ $package ]]
"""

_NAMES = (
    "aws",
    "gh",
    "glab",
    "kubectl",
    "op",
    "ssh",
    "systemctl",
    "systemd-creds",
    "vault",
    "xclip",
)


def put_on(environ: dict[str, str], folder: Path) -> Path:
    """Put the programs in front of the PATH; return the folder of their records."""
    programs, records = folder / "programs", folder / "records"
    programs.mkdir()
    records.mkdir()
    for name in _NAMES:
        (programs / name).write_text(_RECORDS.format(name=name))
    (programs / "docker").write_text(_DOCKER)
    for name in ("pip", "pipx"):
        (programs / name).write_text(_INSTALLS)
    for program in programs.iterdir():
        program.chmod(0o755)
    environ["PATH"] = f"{programs}:{environ['PATH']}"
    environ["RECORDS"] = str(records)
    return records
