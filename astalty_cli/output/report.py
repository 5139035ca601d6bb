"""How a failure is told: one line of what happened, one line of what to do."""

from astalty_cli.base.errors import AstaltyError
from astalty_cli.base.hiding import hide_typed
from astalty_cli.output.safe import defuse_workflow_commands, visible, visible_lines
from astalty_cli.output.streams import Streams


def report(error: AstaltyError, streams: Streams, *, as_json: bool) -> None:
    """Say on stderr what happened and what to do; as one JSON object where JSON was asked for."""
    message, hint = hide_typed(error.message), hide_typed(error.hint)
    errors = {hide_typed(name): [hide_typed(text) for text in texts] for name, texts in error.errors.items()}
    if as_json:
        import json

        body = {
            "code": error.code,
            "message": message,
            "hint": hint or None,
            "status": error.status,
            "errors": errors or None,
        }
        text = json.dumps({"error": body}).replace("##[", r"##\u005b")
        streams.stderr.write(f"{text}\n")
        return
    lines = [streams.folded(f"astalty: {visible(message)}")]
    for field, messages in errors.items():
        lines += [f"  {visible(field)}: {visible(message)}" for message in messages]
    if hint:
        lines.append(streams.folded(visible_lines(hint)))
    text = "\n".join(lines) + "\n"
    streams.stderr.write(defuse_workflow_commands(text) if streams.runs_workflow_commands else text)
