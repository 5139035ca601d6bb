"""A person at the pages, without a browser: opens the sign-in link, fills in forms, follows links."""

from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from astalty_cli.base.vocabulary import Access
from astalty_cli.sandbox.pages import addresses


class PageUser:
    """Somebody who is signed in by a cookie, which is its header's value."""

    def __init__(self, base_url: str, cookie: str = "") -> None:
        self.cookie = cookie
        self._host = urlsplit(base_url).netloc

    @classmethod
    def signed_in(cls, base_url: str, link: str) -> "PageUser":
        """`link` is the path of a sign-in link, which works once."""
        user = cls(base_url)
        user._ask("GET", link)
        return user

    def create_key(self, name: str, access: Access) -> str:
        """Create a key, and copy the secret that is shown."""
        form = self._ask("GET", addresses.CREATE_KEY)
        shown = self._ask("POST", addresses.CREATE_KEY, form.fields | {"name": name, "access": access})
        return shown.secret

    def delete_key(self, name: str) -> None:
        address = self._ask("GET", addresses.KEYS).links[f"Delete {name}"]
        self._ask("POST", address, self._ask("GET", address).fields)

    def _ask(self, method: str, path: str, entered: dict[str, str] | None = None) -> "_Page":
        connection = HTTPConnection(self._host, timeout=30)
        headers = {"Origin": f"http://{self._host}", "Cookie": self.cookie}
        if entered is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, urlencode(entered) if entered else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status not in {200, 303}:
            raise RuntimeError(f"The page answered {answer.status}.")
        for name, morsel in SimpleCookie(answer.getheader("Set-Cookie", "")).items():
            self.cookie = f"{name}={morsel.value}"
        return _Page(text)


class _Page(HTMLParser):
    """What is hidden in its forms, its links by their labels, and the secret, if it shows one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.secret = ""
        self._is_secret = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"]] = given["value"]
        elif tag == "a" and "aria-label" in given:
            self.links[given["aria-label"]] = given["href"]
        self._is_secret = tag == "code" and given.get("id") == "secret"

    def handle_data(self, data: str) -> None:
        if self._is_secret:
            self.secret += data

    def handle_endtag(self, _: str) -> None:
        self._is_secret = False
