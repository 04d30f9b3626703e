"""The booklet: runbooks on A4 paper, with phones, hosts, repositories and key holders.

One HTML file without anything from outside, to be printed from any browser: at three in the morning
the screens may be dark. It holds no secret. It goes to standard output, and from there into a file
of the reader's own.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from ops.access.identity import open_existing
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal.record_proofs import read_acts
from ops.language.formats import format_moment, format_number
from ops.language.text import _, language
from ops.runbooks.asker import KINDS
from ops.runbooks.library import find_runbook, load_runbooks
from ops.runbooks.tasks import Print
from ops.terminal.output import write_text
from runbooks.command_lines import VARIABLE
from runbooks.procedure import Prose, Runbook, Step

_CODE = re.compile(r"`([^`]+)`")
_STYLE = """
@page { size: A4; margin: 20mm 17mm 18mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 9pt serif } }
@page :first { @bottom-right { content: "" } }
* { box-sizing: border-box }
body { font: 11pt/1.4 "Noto Serif", "Liberation Serif", "Times New Roman", serif; color: #000;
  margin: 0; padding: 0 1px }
h1 { font-size: 22pt; line-height: 1.15; margin: 0 0 2mm }
h2 { font-size: 16pt; line-height: 1.2; margin: 0 0 1mm; border-bottom: 1.5pt solid #000;
  break-before: page }
h3 { font-size: 12.5pt; margin: 6mm 0 2mm; break-after: avoid }
p { margin: 0 0 2.5mm } .small { font-size: 9.5pt; color: #333 }
code, pre { font-family: "Noto Sans Mono", "DejaVu Sans Mono", "Liberation Mono", monospace }
code { font-size: 0.85em }
pre { border-left: 2.5pt solid #000; background: #f2f2f2; padding: 1.5mm 2.5mm; margin: 1mm 0;
  font-size: 9pt; line-height: 1.45; white-space: normal }
pre div { padding-left: 4ch; text-indent: -4ch }
pre span { display: inline-block; text-indent: 0; max-width: 100%; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; margin: 0 0 3mm; font-size: 10pt }
thead { display: table-header-group } tr { break-inside: avoid }
td, th { border: 0.5pt solid #666; padding: 1.2mm 1.8mm; text-align: left; vertical-align: top;
  overflow-wrap: anywhere }
th { background: #e6e6e6; font-size: 9pt }
.call td:nth-child(2) { font-weight: 700; white-space: nowrap }
.values td:nth-child(3) { width: 34% }
.list td:first-child { width: 9mm; text-align: right; font-weight: 700 }
.step { break-inside: avoid; display: grid; grid-template-columns: 9mm 1fr 30mm; column-gap: 2mm;
  margin: 0 0 3.5mm; padding-top: 1.5mm; border-top: 0.5pt solid #999 }
.step > .no { font-size: 13pt; font-weight: 700; text-align: right }
.step p { margin: 0 } .kind { font-size: 9pt; font-style: italic } .two { font-weight: 700 }
.sign { font-size: 9pt; line-height: 1.9 }
.sign i { display: block; border-bottom: 0.5pt dotted #000 }
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
    printed = _("printed on {moment}").format(moment=format_moment(now, zone))
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="small">{escape(estate.name_at(now))} · {escape(printed)}</p>',
        *_whom_to_call(estate),
        *_contents(runbooks),
        *_appendix(estate, holders),
        *(line for number, it in enumerate(runbooks, 1) for line in _pages(number, it)),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="{language()}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _whom_to_call(estate: Estate) -> Iterator[str]:
    yield f"<h3>{escape(_('Whom to call'))}</h3>"
    people = [(it.title, it.phone, it.mail, it.name) for it in estate.people]
    yield _table([_("Person"), _("Phone"), _("Mail"), _("Name")], people, "call")


def _contents(runbooks: Sequence[Runbook]) -> Iterator[str]:
    yield f"<h3>{escape(_('What is in this booklet'))}</h3>"
    rows = [
        (str(number), it.title, _first_sentence(it).replace("`", ""))
        for number, it in enumerate(runbooks, 1)
    ]
    yield _table(["", _("Runbook"), _("When")], rows, "list")
    note = _("In a command type the value in place of {value}; one with blanks in quotation marks.")
    yield f'<p class="small">{escape(note).format(value="<b>{{…}}</b>")}</p>'


def _first_sentence(runbook: Runbook) -> str:
    """Give the sentence that says when a runbook is used: the first that is no heading."""
    for part in runbook.parts:
        if isinstance(part, Prose) and not part.level:
            return part.text.partition(". ")[0].rstrip(".") + "."
    return ""


def _appendix(estate: Estate, holders: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    yield f"<h2>{escape(_('Who holds a share of the key'))}</h2>"
    people = {it.name: it for it in estate.people}
    shares = [
        (
            store,
            people[name].title if name in people else name,
            people[name].phone if name in people else "",
        )
        for store, names in holders
        for name in names
    ]
    yield _table([_("Store"), _("Holder"), _("Phone")], shares)
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


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    if not rows:
        return f"<p>{escape(_('none'))}</p>"
    head = "".join(f"<th>{escape(it)}</th>" for it in heads)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _pages(number: int, runbook: Runbook) -> Iterator[str]:
    yield f"<h2>{number}. {escape(runbook.title)}</h2>"
    yield f'<p class="small">{escape(" · ".join(_facts(runbook)))}</p>'
    steps = [part for part in runbook.parts if isinstance(part, Step)]
    first = steps[0].line if steps else 0
    for part in runbook.parts:
        if isinstance(part, Prose) and part.line < first and part.text != runbook.title:
            yield _prose(part)
    rows = [(it.name, it.title, it.default or "") for it in runbook.variables.values()]
    if rows:
        yield _table([_("Value"), _("What it is"), _("Written by hand")], rows, "values")
    for part in runbook.parts:
        if isinstance(part, Step):
            yield _step(part)
        elif part.line > first:
            yield _prose(part)


def _facts(runbook: Runbook) -> Iterator[str]:
    yield runbook.id
    yield runbook.owner
    if runbook.systems:
        yield ", ".join(runbook.systems)
    if runbook.rto_hours is not None:
        text = _("back within {hours} h")
        yield text.format(hours=format_number(runbook.rto_hours))
    if runbook.rpo_hours is not None:
        text = _("at most {hours} h of data lost")
        yield text.format(hours=format_number(runbook.rpo_hours))


def _prose(part: Prose) -> str:
    tag = "h3" if part.level else "p"
    return f"<{tag}>{_inline(part.text)}</{tag}>"


def _step(step: Step) -> str:
    mark = f'<span class="two">[{escape(_("two people"))}]</span> ' if step.two_people else ""
    kind = f'<span class="kind">({escape(_(KINDS[step.kind]))})</span> '
    text = f"<p>{kind}{mark}{_inline(step.sentence)}</p>{_body(step)}"
    hands = [_("at what time:"), _("done by:"), *([_("approved by:")] if step.two_people else [])]
    sign = "".join(f"<i>{escape(it)}</i>" for it in hands)
    return (
        f'<div class="step"><div class="no">{step.number}.</div><div>{text}</div>'
        f'<div class="sign">{sign}</div></div>'
    )


def _body(step: Step) -> str:
    """Give a step's commands, no word of them torn apart; of a question room for its answer."""
    if step.kind == "ask":
        answer = "…………" if step.variable else f"☐ {_('yes')} &nbsp; ☐ {_('no')}"
        return f"<p><b>→</b> {_inline(step.body)} &nbsp; {answer}</p>"
    lines = (
        " ".join(f"<span>{_inline(word)}</span>" for word in line.split())
        for line in step.body.splitlines()
        if line.strip()
    )
    return f"<pre>{''.join(f'<div>{line}</div>' for line in lines)}</pre>"


def _inline(text: str) -> str:
    """Give a text with its values set off, and what stands between backticks as code."""
    held = VARIABLE.sub(lambda it: f"<b>{{{{{it[1]}}}}}</b>", escape(text))
    return _CODE.sub(r"<code>\1</code>", held)


def print_booklet(wish: Print) -> None:
    """Write all runbooks, or one, as HTML for A4 paper to standard output."""
    estate = load_estate()
    runbooks = [find_runbook(estate.path, wish.id)] if wish.id else load_runbooks(estate.path)
    write_text(make_booklet(estate, runbooks, read_holders(estate), datetime.now(UTC)))


def read_holders(estate: Estate) -> list[tuple[str, list[str]]]:
    """Give who was handed a share of each store's key, the last time it was shared out."""
    catalog = open_existing(estate)
    if catalog is None:
        return []
    with catalog, catalog.reading() as session:
        acts = list(read_acts(session, "backup.key-escrow"))
    return sorted({it.subject: list(it.details.get("holders", ())) for it in acts}.items())
