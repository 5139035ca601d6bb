"""A service that fails a third of the calls of the history's list, each time in another way."""

import random
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Failing:
    """A layer that fails a third of those calls: 500, 429, an answer that is cut off, or an empty one."""

    app: Any = None
    chance: random.Random = field(default_factory=lambda: random.Random(4))
    calls: int = 0
    failures: int = 0

    def before(self, app: Any) -> "Failing":
        self.app = app
        return self

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        is_list = environ["PATH_INFO"] == "/public/v1/api-requests"
        self.calls += is_list
        if is_list and self.chance.random() < 1 / 3:
            self.failures += 1
            kind = self.chance.randrange(4)
            if kind == 0:
                start_response("500 Internal Server Error", [("Content-Type", "application/json")])
                return [b'{"message": "Server Error"}']
            if kind == 1:
                start_response("429 Too Many Requests", [("Retry-After", "1")])
                return [b'{"message": "Too Many Attempts."}']
            body = b"".join(self.app(environ, start_response)) if kind == 2 else b""
            return [body[: len(body) // 2]]
        return self.app(environ, start_response)
