"""The web page on which people create and delete keys: the sandbox's database, in other words."""

from dataclasses import dataclass, field

from astalty_cli.base.secret import Secret
from astalty_cli.sandbox.problems import Problem
from astalty_cli.sandbox.store import Store
from tests.faults.by_hand.service import PageService
from tests.faults.service import Made


@dataclass(frozen=True)
class Row:
    """A key on the page. `whose`: "before" the run, of the "person", of the person's "rival" command, or of a
    "stranger".
    """

    id: str
    name: str
    secret: str
    whose: str


@dataclass
class Page:
    """`lag_new` and `lag_old`: how many reads do not know yet of a key that was created, or deleted."""

    store: Store
    service: PageService
    rows: list[Row] = field(default_factory=list)
    lag_new: int = 0
    lag_old: int = 0

    def create(self, name: str, whose: str) -> Row:
        """Under that name, or a longer one if it is taken."""
        try:
            issued = self.store.keys.create(name, self.store.owner().id)
        except Problem:
            return self.create(f"{name} again", whose)
        assert issued.secret is not None
        row = Row(issued.id, name, issued.secret.reveal(), whose)
        self.rows.append(row)
        self.service.made.append(Made(row.id, 0, row.secret, "before" if whose == "before" else "us"))
        if whose == "person":
            self.service.late_401[row.secret] = self.lag_new
        return row

    def delete(self, row: Row) -> None:
        if self.works(row.secret):
            self.store.keys.revoke(row.id)
            self.service.late_200[row.secret] = self.lag_old

    def works(self, secret: str) -> bool:
        return self.store.keys.accepts(Secret(secret))

    def active(self) -> list[Row]:
        return [row for row in self.rows if self.works(row.secret)]

    def named(self, name: str) -> Row | None:
        return next((row for row in self.active() if row.name == name), None)

    def of(self, secret: str) -> Row | None:
        return next((row for row in self.rows if row.secret == secret), None)
