"""The booklet: runbooks on A4 paper, with phones, hosts, repositories and key holders.

One HTML file without anything from outside, to be printed from any browser: at three in the morning
the screens may be dark. It holds no secret.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from ops.estate.models import Estate
from ops.present import format_moment
from ops.runbooks.asker import KINDS
from ops.text import _, language
from runbooks.procedure import Prose, Runbook, Step

_STYLE = """
@page { size: A4; margin: 18mm 16mm }
body { font: 11pt/1.45 "Noto Serif", "Times New Roman", serif; color: #000 }
h1 { font-size: 20pt } h2 { font-size: 15pt; break-before: page } h3 { font-size: 12pt }
pre { border: 1px solid #777; padding: 2mm; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 9.5pt/1.4 "Noto Sans Mono", monospace }
table { border-collapse: collapse; width: 100% } .step { break-inside: avoid }
td, th { border: 1px solid #777; padding: 1.5mm; text-align: left; overflow-wrap: anywhere }
"""


def make_booklet(
    estate: Estate,
    runbooks: Sequence[Runbook],
    holders: Sequence[tuple[str, Sequence[str]]],
    now: datetime,
) -> str:
    """Give the booklet as one HTML document; pure.

    Args:
        estate: As loaded.
        runbooks: In the order of the pages.
        holders: Store → names of the people who hold a share of its key.
        now: Printed on the first page.
    """
    title = _("Runbooks")
    zone = estate.organisation.timezone
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(estate.organisation.name)} · {escape(format_moment(now, zone))}</p>",
        "<ol>" + "".join(f"<li>{escape(it.title)}</li>" for it in runbooks) + "</ol>",
        *_appendix(estate, holders),
        *(line for runbook in runbooks for line in _pages(runbook)),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="{language()}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _appendix(estate: Estate, holders: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    yield f"<h2>{escape(_('Whom to call'))}</h2>"
    people = [(it.title, it.phone, it.mail, it.name) for it in estate.people]
    yield _table([_("Person"), _("Phone"), _("Mail"), _("Name")], people)
    yield f"<h3>{escape(_('Hosts'))}</h3>"
    hosts = [(it.name, it.address, str(it.port), it.user) for it in estate.hosts]
    yield _table([_("Host"), _("Address"), _("Port"), _("Account")], hosts)
    yield f"<h3>{escape(_('Repositories'))}</h3>"
    stores = [
        (site.name, store.name, f"{store.url}/{site.name}", store.location)
        for site in (estate.own_site, *estate.sites)
        for store in estate.stores
    ]
    yield _table([_("Site"), _("Store"), _("Address"), _("Place")], stores)
    yield f"<h3>{escape(_('Who holds a share of the key'))}</h3>"
    titles = {it.name: it.title for it in estate.people}
    shares = [
        (store, ", ".join(titles.get(name, name) for name in names)) for store, names in holders
    ]
    yield _table([_("Store"), _("Holders")], shares)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return f"<p>{escape(_('none'))}</p>"
    head = "".join(f"<th>{escape(it)}</th>" for it in heads)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _pages(runbook: Runbook) -> Iterator[str]:
    yield f"<h2>{escape(runbook.title)}</h2>"
    yield f"<p>{escape(runbook.id)} · {escape(runbook.owner)}</p>"
    rows = [(it.name, it.title, "") for it in runbook.variables.values()]
    yield _table([_("Value"), _("What it is"), _("Written by hand")], rows)
    for part in runbook.parts:
        yield _step(part) if isinstance(part, Step) else _prose(part)


def _prose(part: Prose) -> str:
    tag = "h3" if part.level else "p"
    return f"<{tag}>{escape(part.text)}</{tag}>"


def _step(step: Step) -> str:
    mark = f" <strong>[{escape(_('two people'))}]</strong>" if step.two_people else ""
    head = f"☐ {step.number}. <em>{escape(_(KINDS[step.kind]))}</em>{mark}"
    text = f"<p>{head} {escape(step.sentence)}</p><pre>{escape(step.body)}</pre>"
    return f'<div class="step">{text}</div>'
