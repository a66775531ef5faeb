"""Someone with a browser: keeps cookies, follows redirects, fills in the forms of a page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx


@dataclass
class Form:
    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    # What stands on each button, with the name and value that it sends.
    buttons: list[list[str]] = field(default_factory=list)


class Forms(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._form: Form | None = None
        self._in_button = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.found.append(self._form)
        elif self._form is None:
            return
        elif tag == "button" or (tag == "input" and given.get("type") == "submit"):
            self._in_button = tag == "button"
            label = "" if self._in_button else given.get("value", "")
            self._form.buttons.append([label, given.get("name", ""), given.get("value", "")])
        elif tag == "input" and given.get("name"):
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self._form.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "button":
            self._in_button = False

    def handle_data(self, data: str) -> None:
        if self._in_button and self._form is not None:
            self._form.buttons[-1][0] += data.strip()


class Browser:
    def __init__(self) -> None:
        self._http = httpx.Client(follow_redirects=True, timeout=30)
        self.page: httpx.Response | None = None

    def open(self, url: str) -> httpx.Response:
        self.page = self._http.get(url)
        return self.page

    def forms(self) -> list[Form]:
        return Forms(self.page.text).found

    def submit(self, button: str = "", **values: str) -> httpx.Response:
        """Sends the form that has the fields, by the button whose label contains `button`."""
        for form in self.forms():
            labels = [b for b in form.buttons if button.lower() in b[0].lower()]
            if values.keys() <= form.fields.keys() and (labels or not button):
                break
        else:
            raise AssertionError(
                f"no form with {list(values)} and a button {button!r}: {self.forms()}\n"
                f"{self.page.url}\n{self.page.text}"
            )
        data = {**form.fields, **values}
        if labels and labels[0][1]:
            data[labels[0][1]] = labels[0][2]
        url = self.page.url.join(form.action) if form.action else self.page.url
        origin = {"Origin": f"{url.scheme}://{url.netloc.decode()}", "Referer": str(self.page.url)}
        if form.method == "post":
            self.page = self._http.post(url, data=data, headers=origin)
        else:
            self.page = self._http.get(url, params=data)
        assert self.page.status_code < 400, f"{self.page.url}: {self.page}\n{self.page.text}"
        return self.page

    def sign_in(self, address: str, username: str, password: str) -> None:
        """From any page that wants it to be known who is there."""
        self.open(address)
        self.submit(**{self._name_field(): username, "password": password})

    def _name_field(self) -> str:
        for form in self.forms():
            if "password" in form.fields:
                named = [f for f in form.fields if f in ("username", "login", "email", "name")]
                assert named, form
                return named[0]
        raise AssertionError(f"not a sign-in page: {self.page.url}\n{self.page.text}")
