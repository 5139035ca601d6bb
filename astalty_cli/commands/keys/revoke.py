"""`astalty keys revoke`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from astalty_cli.api import contract
from astalty_cli.base.errors import AstaltyError, SeveralError
from astalty_cli.cli import candidates
from astalty_cli.cli.options import ACCOUNT, ASK, DRY_RUN, OUTPUT, RECORD, takes
from astalty_cli.cli.parameters import Duration, argument, option
from astalty_cli.commands.keys.arguments import KEY_TYPE, AllowLast, AllowSelf, last_use
from astalty_cli.context import Context
from astalty_cli.output import columns


@takes(OUTPUT, ACCOUNT, RECORD, ASK, DRY_RUN)
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
    from astalty_cli.commands.shared import dry_run, offering, secrets
    from astalty_cli.services.keys.finder import described
    from astalty_cli.services.keys.guards import Guards
    from astalty_cli.services.keys.revoking import Revocation

    output = context.output
    if not context.get(DRY_RUN):
        output.ensure_can_ask("revoke keys for good?")
    shown = output.columns(columns.KEYS, ApiKey)
    operation = secrets.operation(context)
    with offering.by_hand(offering.REVOKE):
        offering.ensure_key_calls(context, [("DELETE", contract.api_key("{id}"))])
        operation.own  # noqa: B018 - the first call says whether keys are offered
    guards = Guards(
        operation, secrets.variable(context), allow_self=allow_self, allow_last=allow_last, idle=if_idle
    )
    revocation = Revocation(operation, guards)
    revocation.look_up(keys)
    if context.get(DRY_RUN):
        dry_run.show(context, [("DELETE", contract.api_key(key.id), None) for key in revocation.keys])
        _fail(revocation.failures, 0)
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
    _fail(revocation.failures, revoked)


def _fail(failures: dict[str, AstaltyError], revoked: int) -> None:
    if len(failures) == 1 and not revoked:
        raise next(iter(failures.values()))
    if failures:
        raise SeveralError(f"Not revoked: {len(failures)} of {len(failures) + revoked}.", failures)
