"""`astalty sandbox tour --by-hand`: a rotation as on a real account, where keys are on a web page alone.

The sandbox is served with the documented calls and its pages. The tour does at the pages what a person
does there, and says so.
"""

from contextlib import closing
from dataclasses import replace
from datetime import datetime
from io import StringIO

from astalty_cli.base.vocabulary import Access, Surface, access_name
from astalty_cli.commands.sandbox.stage import Stage, temporary_stage
from astalty_cli.program import Program
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.home import Home
from astalty_cli.sandbox.pages.app import Pages, with_pages
from astalty_cli.sandbox.pages.page_user import PageUser
from astalty_cli.sandbox.server import serving

_TO = "--to dotenv:$DIR/.env#ASTALTY_API_KEY"


def play(program: Program) -> None:
    """Ask nothing, even on a terminal: the tour answers for itself."""
    links: list[str] = []
    streams = replace(program.streams, stdin=StringIO())
    with (
        temporary_stage(replace(program, streams=streams)) as stage,
        closing(Home(stage.folder / "service" / "sandbox.db").open()) as store,
    ):
        pages = Pages(store, links.append)
        app = create_app(store, rate_limit=0, surface=Surface.DOCUMENTED)
        with serving(with_pages(app, pages, store)) as base_url:
            pages.show_link()
            _Tour(stage, PageUser.signed_in(base_url, links[-1]), base_url).run()


class _Tour:
    def __init__(self, stage: Stage, user: PageUser, base_url: str) -> None:
        self._stage = stage
        self._user = user
        stage.values.update({"$URL": base_url, "$DIR": str(stage.folder)})

    def run(self) -> None:
        say, show, values = self._stage.say, self._stage.show, self._stage.values
        say("# A real account has its keys on a web page, and no API for them. This sandbox")
        say("# is such an account, gone after this tour. ON THE PAGE is what you would do in")
        say("# a browser; here, the tour does it.")
        say(f"$ URL={values['$URL']} DIR={values['$DIR']}")
        say("\n# Sign in with a key from the page.")
        self._create("laptop", "KEY")
        show("auth login --with-token --storage file --base-url $URL", stdin="$KEY")
        say("\n# Create a key for a program, and save it where the program reads it.")
        self._create("payroll", "OLD")
        show(f"keys create payroll --with-token --access read-only {_TO}", stdin="$OLD")
        show("keys list")
        say("\n# Rotate it. A second key takes its place; for now, both work.")
        renewed = f"payroll {datetime.now().astimezone().date()}"
        self._create(renewed, "NEW")
        show(f"keys rotate payroll --with-token --grace 1h {_TO}", stdin="$NEW")
        say("\n# Restart what reads the file. Then the old key can go.")
        self._delete("payroll")
        say("\n# It counts as deleted once the service has rejected it twice, 5 seconds apart.")
        show("keys recover --yes")
        say("\n# The old key has ended, and the new one works.")
        show("api participants", key="$OLD", ends_with=4)
        show("api participants --query meta.total", key="$NEW")
        show("keys show payroll")
        say("\n# That was all of it. Do it yourself, with the page in your browser:")
        say("# astalty sandbox serve --surface documented")

    def _create(self, name: str, variable: str) -> None:
        access = access_name(Access.READ_ONLY)
        self._stage.say("# ON THE PAGE: Manage Keys → Create API Key")
        self._stage.say(f"#   Name          {name}")
        self._stage.say(f"#   Access Level  {access}")
        self._stage.say(f"#   Copy to clipboard; ${variable} stands for what was copied.")
        self._stage.values[f"${variable}"] = self._user.create_key(name, Access.READ_ONLY)

    def _delete(self, name: str) -> None:
        self._stage.say("# ON THE PAGE: Manage Keys")
        self._stage.say(f"#   Delete        {name}")
        self._user.delete_key(name)
