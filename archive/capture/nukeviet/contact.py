"""Contact of NukeViet: questions with their answers and status; who asked is kept apart.

NukeViet answers by mail and shows neither question nor answer to anybody, so the item itself is
`RESTRICTED` too: a text that was never public may name its sender. Spam is what an officer deletes.
"""

from collections.abc import Mapping
from datetime import datetime

from archive.capture.captured import Captured
from archive.capture.joined import Followers, rows_of
from archive.capture.making import IS_PRIVATE
from archive.capture.nukeviet.module import Module, Tables, full_name, line
from archive.capture.values import Cells
from archive.metadata.item import Agent, Grade

_ROW = ("id", "cat", "title", "content", "send_time", "sender_name", "sender_address",
        "sender_email", "sender_phone", "sender_ip", "is_reply", "is_processed",
        "processed_time")  # fmt: skip
_SENDER = {"name": "sender_name", "address": "sender_address", "mail": "sender_email",
           "phone": "sender_phone", "ip": "sender_ip"}  # fmt: skip
_FORWARDED = 2
_ACCOUNT = "u.username, u.first_name, u.last_name"


def queries(tables: Tables) -> Mapping[str, str]:
    """Ask for questions, and for answers."""
    send = tables.of("send")
    return {
        "items": f"SELECT {tables.columns(send, 's', _ROW)}, d.full_name AS department"
        f" FROM {send} s LEFT JOIN {tables.of('department')} d ON d.id = s.cid ORDER BY s.id",
        "answers": f"SELECT r.id, r.rid, r.reply_content, r.reply_time, {_ACCOUNT}"
        f" FROM {tables.of('reply')} r LEFT JOIN {tables.users} u ON u.userid = r.reply_aid"
        " ORDER BY r.id, r.rid",
    }


class Contact:
    """Makes the items of one module."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._answers = Followers(rows_of(module.rows, "answers"), "id")

    def make(self, key: int, cells: Cells) -> Captured:
        """Make one question with its answers."""
        module, portal = self._module, self._module.portal
        making = module.making(key, cells)
        answers = [Cells(row, "UTC") for row in self._answers.of(key)]
        for name, column in _SENDER.items():
            making.secret[name] = line(cells, column)
        making.body(cells.content("content"), name="question")
        people = [making.person("", IS_PRIVATE, "petitioner")]
        for answer in answers:
            making.body(answer.content("reply_content"), name="answer")
            name = full_name(answer)
            if name:
                people.append(Agent(name=name, role="answerer"))
        trail = _trail(cells, answers)
        fields = {
            "status": trail[-1][1] if trail else "received",
            "department": line(cells, "department"), "column": line(cells, "cat"),
        }  # fmt: skip
        return making.finish(
            content_class=portal.class_of(f"module/{module.data}", default="feedback"),
            shape="question",
            title=line(cells, "title"),
            creators=dict.fromkeys(people),
            source=making.own_source(""),
            language=module.language,
            created=cells.moment("send_time"),
            grade=Grade.RESTRICTED,
            fields={name: value for name, value in fields.items() if value},
            trail=trail,
        )  # fmt: skip


def _trail(cells: Cells, answers: list[Cells]) -> tuple[tuple[datetime, str, str], ...]:
    steps = [(cells.moment("send_time"), "received", "")]
    if cells.whole("is_reply") == _FORWARDED:
        steps.append((cells.moment("processed_time"), "forwarded", ""))
    steps += [(it.moment("reply_time"), "answered", "") for it in answers]
    if cells.whole("is_processed"):
        steps.append((cells.moment("processed_time"), "closed", ""))
    return tuple(sorted((moment, status, note) for moment, status, note in steps if moment))
