"""Links of the console's pages, and which of them name what their page does not read."""

from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

from ops.console.page import all_pages

_NO_PAGES = {"", "login", "logout", "act", "acts", "doing", "static", "trang-thai", "status"}


def strange_links(text: str) -> list[str]:
    """Give the links and filters of a page's text that lead to no page, or name what none reads."""
    reader = _Links()
    reader.feed(text)
    reader.close()
    pages, found = all_pages(), list[str]()
    for path, names in reader.found:
        page = path.strip("/").partition("/")[0]
        if page in _NO_PAGES or page.isdigit():
            continue
        if page not in pages:
            found.append(path)
            continue
        strange = [it for it in names if not it.isdigit() and it not in pages[page].reads]
        found += [f"{path}: {', '.join(strange)}"] if strange else []
    return found


class _Links(HTMLParser):
    """Finds links to pages of ours, and forms that ask for one, each with its arguments' names."""

    def __init__(self) -> None:
        super().__init__()
        self.found = list[tuple[str, list[str]]]()
        self.form: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href", "").startswith("/"):
            parts = urlsplit(given["href"])
            names = [name for name, _value in parse_qsl(parts.query, keep_blank_values=True)]
            self.found.append((parts.path, names))
        elif tag == "form" and given.get("method", "get") == "get":
            self.form = []
            self.found.append((given.get("action", ""), self.form))
        elif "name" in given and tag in {"input", "select", "textarea"} and self.form is not None:
            self.form.append(given["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
