"""`astalty sandbox tour`: the main job, command by command, on a sandbox that is gone afterwards."""

from typing import Annotated

from astalty_cli.cli.options import takes
from astalty_cli.cli.parameters import option
from astalty_cli.commands.sandbox.stage import Stage, temporary_stage
from astalty_cli.context import Context, require_sandbox


@takes()
def tour(
    context: Context,
    *,
    by_hand: Annotated[
        bool, option("--by-hand", help="Play it as on a real account, with keys on a web page.")
    ] = False,
) -> None:
    require_sandbox()
    if by_hand:
        from astalty_cli.commands.sandbox import tour_by_hand

        tour_by_hand.play(context.program)
        return
    with temporary_stage(context.program, ASTALTY_PROFILE="sandbox") as stage:
        _play(stage)


def _play(stage: Stage) -> None:
    stage.say("# A sandbox of your own: the same API, with its own data, gone after this tour.")
    stage.say("$ export ASTALTY_PROFILE=sandbox")
    stage.say("\n# Create a key. Its secret is shown once, so it goes straight into a variable.")
    stage.capture("KEY", "keys create tour --plain")
    stage.show("keys list")
    stage.say("\n# Use the new key.")
    stage.show("api participants?page[size]=1", key="$KEY")
    stage.say("\n# Every request is in the history, these too.")
    stage.show("history list -L 6")
    stage.capture("ID", "history list --key tour -L 1 --query [0].id")
    stage.show("history show $ID")
    stage.say("\n# Rotate: the old secret is set to expire once the new one is verified.")
    stage.capture("KEY", "keys rotate tour --grace 1h --plain")
    stage.show("keys show tour")
    stage.say("\n# Revoke: both secrets stop at once.")
    stage.show("keys revoke tour --yes")
    stage.show("api participants", key="$KEY", ends_with=4)
    stage.say("\n# That was all of it. Your own sandbox: astalty keys list -p sandbox")
