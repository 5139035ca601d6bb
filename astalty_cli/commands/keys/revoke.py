"""`astalty keys revoke`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from astalty_cli.api import contract
from astalty_cli.cli import candidates
from astalty_cli.cli.options import ACCOUNT, ASK, BY_HAND, DRY_RUN, OUTPUT, RECORD, takes
from astalty_cli.cli.parameters import Duration, argument, option
from astalty_cli.commands.keys.arguments import KEY_TYPE, AllowLast, AllowSelf, last_use, raise_for_failures
from astalty_cli.context import Context
from astalty_cli.output import columns


@takes(BY_HAND.only("by_hand", "web"), OUTPUT, ACCOUNT, RECORD, ASK, DRY_RUN)
def revoke(
    context: Context,
    keys: Annotated[
        list[str],
        argument(
            "KEY...",
            type=KEY_TYPE,
            help="Names, ids or first characters of ids.",
            completions=candidates.keys,
        ),
    ],
    *,
    if_idle: Annotated[
        timedelta | None,
        option(
            "--if-idle",
            metavar="DURATION",
            type=Duration(),
            help="Refuse keys that were used within this time.",
        ),
    ] = None,
    allow_self: AllowSelf = False,
    allow_last: AllowLast = False,
) -> None:
    from astalty_cli.api.models import ApiKey
    from astalty_cli.commands.keys import by_hand
    from astalty_cli.commands.shared import dry_run, offering, secrets
    from astalty_cli.services.keys.finder import described
    from astalty_cli.services.keys.guards import Guards
    from astalty_cli.services.keys.revoking import Revocation

    output = context.output
    if not context.get(DRY_RUN):
        output.ensure_can_ask("revoke keys for good?")
    calls = [("DELETE", contract.api_key("{id}"))]
    operation = None if by_hand.is_wanted(context) else offering.in_place(context, calls)
    if operation is None:
        by_hand.revoke(context, keys, allow_self=allow_self, allow_last=allow_last, if_idle=if_idle)
        return
    shown = output.columns(columns.KEYS, ApiKey)
    guards = Guards(
        operation, secrets.variable(context), allow_self=allow_self, allow_last=allow_last, idle=if_idle
    )
    revocation = Revocation(operation, guards)
    revocation.look_up(keys)
    if context.get(DRY_RUN):
        dry_run.show(context, [("DELETE", contract.api_key(key.id), None) for key in revocation.keys])
        raise_for_failures(revocation.failures, 0)
        return
    secrets.remind(context)
    if revocation.keys:
        listed = "\n".join(
            f"  {described(key)}, {last_use(key, operation.own.id)}" for key in revocation.keys
        )
        output.ensure_confirmed(
            f"{listed}\nRevoke? It cannot be undone: what uses a revoked key stops working."
        )
    revoked, rows = 0, []
    for key in revocation.run():
        revoked += 1
        context.completion_cache.note_key(key.id, None)
        output.note(f"Revoked {described(key)}.")
        if output.result_wanted and (row := revocation.seen_again(key)):
            rows.append(row)
    if output.result_wanted:
        output.rows(rows, shown, none="No revoked key can be shown.")
    raise_for_failures(revocation.failures, revoked)
