"""Pages of the console as roles see them, and what the program says of itself, as text files."""

from html.parser import HTMLParser
from pathlib import Path

from ops.cli.collections import load_tasks
from ops.console.page import all_pages
from ops.console.web.guard import LANGUAGE_COOKIE
from tests.console_office import Browser, ConsoleEstate, office_in_process, served
from tests.record.stable import Stable
from tests.record.world import ROOT, World, as_person

WATCHERS = ("nva", "lvc", "hve", "ptd")
_ABOUT = {
    "site": "site=cong-xa", "restore": "site=cong-xa&name=html", "unit": "site=cong-xa&year=2026",
    "runbooks": "run={run}", "drill": "drill={drill}", "item": "item={item}", "entry": "id={entry}",
    "server": "host=web1", "captured": "site=phuong-tan-lap", "plan": "year=2027",
    "duty": "duty=keys-apart",
}  # fmt: skip
"""Page → what it is asked about, besides without anything."""
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "button", "caption", "dd", "details", "div", "dl", "dt"),
        *("fieldset", "footer", "form", "h1", "h2", "h3", "h4", "header", "label", "legend", "li"),
        *("main", "nav", "ol", "option", "p", "section", "summary", "table", "tbody", "thead"),
        *("tr", "ul"),
    }
)
_SILENT = frozenset({"script", "style", "head"})


class _Text(HTMLParser):
    """Takes the words of a page, and what its forms are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self.lines.append("#" * int(tag[1]) + " " if tag in {"h1", "h2", "h3", "h4"} else "")
        if tag in {"td", "th"}:
            self.lines[-1] += " | "
        if tag == "form":
            self.lines[-1] = f"[form {given.get('method', 'get')} {given.get('action', '')}]"
        if tag in {"input", "select", "textarea"} and given.get("name") != "csrf":
            told = f"[{given.get('type', tag)} {given.get('name')}={given.get('value', '')}"
            self.lines[-1] += told + "".join(
                f" {it}" for it in ("required", "checked", "disabled") if it in given
            ) + "]"  # fmt: skip
        if tag == "option":
            self.lines[-1] = f"  - ({given.get('value', '')}) "
        if tag == "a" and given.get("href", "").startswith("/"):
            self.lines[-1] += f"<{given['href']}> "

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT
        if tag in _BLOCKS:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.lines[-1] += " ".join(data.split()) + " " if data.strip() else ""


def text_of_page(html: str) -> str:
    """Give headings, tables, labels, fields and links of a page, a line for each block."""
    reader = _Text()
    reader.feed(html)
    return "\n".join(it.rstrip() for it in reader.lines if it.strip()) + "\n"


def write_pages(world: World, captured: dict[str, str], folder: Path) -> None:
    """Write what each page shows to each of four people, without anything and about something."""
    folder.mkdir(parents=True)
    ports = {it: port for port, it in world.known.items()}
    listen, shown = (f"127.0.0.1:{ports[it]}" for it in ("port_console", "port_captured"))
    catalog = f"sqlite:///{world.here}/state/giucong.db"
    estate = ConsoleEstate(world.estate, listen, shown, catalog)
    with office_in_process(estate) as office, served(office) as nobody:
        for page in all_pages():
            about = _ABOUT.get(page, "")
            for name, value in captured.items():
                about = about.replace(f"{{{name}}}", value)
            for person in WATCHERS:
                browser = nobody.as_somebody(office, person)
                for language in ("vi", "en") if person == "nva" else ("vi",):
                    browser = Browser(browser.listen, _speak(browser.cookie, language))
                    for query in dict.fromkeys(("", about)):
                        reply = browser.get(f"/{page}?{query}" if query else f"/{page}")
                        name = f"{page}{'-about' if query else ''}-{person}-{language}.txt"
                        told = f"{reply.status}\n{text_of_page(reply.text)}"
                        text = Stable(world.known).text(told)
                        (folder / name).write_text(text, encoding="utf-8")


def _speak(cookie: str, language: str) -> str:
    return f"{cookie.partition(';')[0]}; {LANGUAGE_COOKIE}={language}"


def write_texts(world: World, folder: Path) -> None:
    """Write what the program lists and explains, in both languages, and pages of the reference."""
    folder.mkdir(parents=True)
    tasks = sorted(load_tasks().task_names)
    areas = list(dict.fromkeys(it.partition(".")[0] for it in tasks))
    asked = {"list": ["--list"], "help": ["--help"], "version": ["--version"]}
    asked |= {f"list-{it}": ["--list", it] for it in areas}
    asked |= {f"help-{it}": ["--help", it] for it in tasks}
    stable = Stable(world.known)
    for language in ("vi", "en"):
        for name, words in asked.items():
            told = as_person(world, "nva", words, language=language, terminal=False)
            text = f"{told.code}\n{told.stdout}{told.stderr}"
            (folder / f"{name}.{language}.txt").write_text(stable.text(text), encoding="utf-8")
    for name in ("json", "commands"):
        page = (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")
        (folder / f"{name}.md").write_text(page, encoding="utf-8")
