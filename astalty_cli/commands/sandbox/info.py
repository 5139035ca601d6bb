"""`astalty sandbox info`: where the sandbox's data is, and how to use it."""

from __future__ import annotations

from typing import Annotated

from astalty_cli.cli.options import OUTPUT, takes
from astalty_cli.cli.parameters import option
from astalty_cli.context import Context
from astalty_cli.output import columns


@takes(OUTPUT)
def info(
    context: Context,
    *,
    reveal: Annotated[bool, option("--reveal", help="Print the sandbox's own key.")] = False,
) -> None:
    import msgspec

    from astalty_cli.commands.shared.records import SandboxInfo
    from astalty_cli.config.settings import SANDBOX_ORIGIN

    home, output = context.sandbox, context.output
    shown = output.columns(columns.SANDBOX, SandboxInfo)
    secret, store = home.secret(), home.open()
    owner, account = store.owner(), store.account()
    store.close()
    facts = SandboxInfo(
        account.name,
        owner.name,
        owner.email,
        str(home.database),
        str(home.key_file),
        SANDBOX_ORIGIN,
        secret.reveal() if reveal else f"…{secret.last_four}",
    )
    output.item(msgspec.json.encode(facts), shown)
    if output.result_wanted:
        return
    output.note(
        "\nIn this process:  astalty keys list -p sandbox   (or ASTALTY_PROFILE=sandbox)\n"
        "Over HTTP:        astalty sandbox serve\n"
        "  KEY=$(astalty sandbox info --reveal --query key)\n"
        "  printf 'Authorization: Bearer %s' \"$KEY\" |\n"
        "    curl --header @- http://127.0.0.1:8787/public/v1/participants\n"
        "Its endpoints, to read and search, are then at http://127.0.0.1:8787/docs."
    )
