"""What a run of the archive found, in words."""

import re
from collections.abc import Mapping
from typing import Any

from archive.errors import ArchiveError
from ops.errors import OpsError
from ops.language.causes import tell_cause
from ops.language.text import N_, _, fill
from ops.outcomes import Explainer, Explanation

_MESSAGES = (
    N_("archived"),
    N_("changed on the portal"),
    N_("gone from the portal"),
    N_("captured again"),
    N_("closed"),
)
"""Why there is a version, as inventories keep it."""


_LEFT = {
    "excluded": N_("excluded by the estate"),
    "robots": N_("not wanted by robots.txt"),
    "elsewhere": N_("redirects to other sites"),
    "too many": N_("too many addresses"),
    "too many alike": N_("too many that differ in numbers only"),
    "too deep": N_("too many steps from where the crawl began"),
    "repeats itself": N_("paths that repeat themselves"),
    "sitemaps in sitemaps": N_("sitemaps nested too deep"),
}


def tell_left(reason: str) -> str:
    """Say why addresses were left out of a crawl."""
    return _(_LEFT[reason]) if reason in _LEFT else reason


_REFUSALS = (
    N_("malware was found: {path}: {note}"),
    N_("{path} is a program ({kind}, {puid})"),
    N_("{path} is not what its sender sent"),
    N_("its list of files is not what was handed in"),
    N_("it holds nothing: no text and no file"),
    N_("{key} of {site} cannot be archived: {fields} missing"),
    N_("its text has {size} bytes"),
    N_("it has more than {most} files"),
    N_("it has neither an id nor an address"),
    N_("the wiki hides its text"),
    N_("the place of its file is not known"),
    N_("its text is not in this database: {place}"),
    N_("its packed text is broken"),
    N_("not on this site"),
    N_("robots.txt does not want it"),
    N_("it redirects too often"),
    N_("addresses are not asked"),
    N_("not in the backup"),
)
"""Why the archive left something out, as objects and records keep it: English, filled in."""

_FORMS = {
    re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(it)), re.DOTALL): it
    for it in _REFUSALS
}


def tell_refusal(why: str) -> str:
    """Say in the reader's language why something was not archived; several reasons stand apart."""
    return "; ".join(map(_tell_reason, why.split("; ")))


def _tell_reason(why: str) -> str:
    for form, template in _FORMS.items():
        if found := form.fullmatch(why):
            return _(template).format(**found.groupdict())
    return tell_cause(why)


def as_cause(error: ArchiveError | OpsError) -> dict[str, Any]:
    """Give an error as a record keeps it that is told in the reader's language later."""
    return {"what": error.what, "params": {name: str(it) for name, it in error.params.items()}}


def _tell_first(first: list[str]) -> str:
    """Say what was left out, each as `key: why`."""
    parted = (it.partition(": ") for it in first)
    return "; ".join(f"{key}{colon}{tell_refusal(why)}" for key, colon, why in parted)


def _explain_wrong(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _(
            "the captured pages of {site} were not kept: {count} records are not what was written"
        ).format(**params),
        "; ".join(params["first"]),
        _("what was archived before is intact"),
        fill(N_("look at the disk; then `{program} archive.capture --site {site} --web`"), params),
    )


def _explain_infected(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("{count} addresses of {site} carry malware").format(**params),
        "; ".join(params["first"]),
        _("they are archived as they came, since that is what citizens saw; their object says so"),
        fill(
            N_(
                "the portal itself may be taken over: look at it, and at its backup:"
                " `{program} backup.scan --site {site}`"
            ),
            params,
        ),
    )


def _explain_refused(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("{count} items of {site} were not archived").format(**params),
        _tell_first(params["first"]),
        _("all others are archived; the portal and its backup have these still"),
        fill(N_("put them right on the portal; the next run takes them"), params),
    )


def _explain_left_out(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _(
            "{count} files of articles of {site} are malware or programs and were not archived"
        ).format(**params),
        _tell_first(params["first"]),
        _("the articles themselves are archived; each names the file that it is kept without"),
        fill(
            N_(
                "look at who put them on the portal and take them down there;"
                " `{program} archive.show --id …` names each"
            ),
            params,
        ),
    )


def _explain_not_taken(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("{count} things that were handed in for {site} were not archived").format(**params),
        ", ".join(params["places"]),
        _("all others are archived; what was handed in was not changed"),
        fill(N_("put them right and hand all of it in again: what is there already stays"), params),
    )


def _explain_damaged(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("{count} objects of the archive are damaged, and no whole copy of them was found").format(
            **params
        ),
        "; ".join(params["first"]),
        _("whole objects were not touched; what is damaged stays as it is"),
        fill(N_("bring back a copy that holds them, then `{program} archive.repair`"), params),
    )


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "archive_files_left_out": _explain_left_out,
    "archive_refused": _explain_refused,
    "archive_handed_in_refused": _explain_not_taken,
    "archive_nothing_handed_in": Explanation(
        N_("nothing was handed in for {site}"),
        N_("the folder or table holds no item"),
        N_("everything archived is kept as it is"),
        N_("look at the path that `--from` names"),
    ),
    "archive_many_gone": Explanation(
        N_("{count} archived items of {site} are no longer on the portal; none was marked so"),
        N_("so many at once look like a damaged or half-empty database"),
        N_("everything archived is kept as it is"),
        N_(
            "look at the portal; if it is right, `{program} archive.capture --site {site}"
            " --accept-gone`"
        ),
    ),
    "archive_pages_wrong": _explain_wrong,
    "archive_pages_infected": _explain_infected,
    "archive_site_silent": Explanation(
        N_("the site at {url} did not answer, so its pages were not captured"),
        N_("it says: {why}"),
        N_("everything archived is kept as it is"),
        N_("look at the site; then `{program} archive.capture --site {site} --web`"),
    ),
    "archive_pages_left": Explanation(
        N_("{done} answers of {site} were captured; {count} addresses wait for the next run"),
        N_("a bound of `[sites.archive.web]` was reached, or the site was too busy"),
        N_("what was captured is archived"),
        N_(
            "the next run goes on; raise `pages_a_minute` if the site can bear it, or now:"
            " `{program} archive.capture --site {site} --web`"
        ),
    ),
    "archive_pages_lack": Explanation(
        N_("of the pages of {site}, {failed} gave no answer and {truncated} were not whole"),
        N_("the line broke, it took too long, or an answer was too large"),
        N_("all others are archived; the crawl's log names these"),
        N_("`{program} archive.export` of the month has the log; the next crawl asks again"),
    ),
    "archive_damaged": _explain_damaged,
    "archive_much_damaged": Explanation(
        N_("{count} objects of the archive are damaged at once ({places}); nothing was repaired"),
        N_("so much damage in one run is rarely a disk; repairing might spread it"),
        N_("whole copies stay as they are"),
        N_("find the cause first, then `{program} archive.repair --confirm luu-tru`"),
    ),
    "archive_place_lost": Explanation(
        N_("the archive's place {place} could not be used: {why}"),
        N_("a disk that is not mounted, or rights that are missing"),
        N_("the other places were checked"),
        N_("mount it, then `{program} archive.verify --place {place}`"),
    ),
    "archive_nothing_read": Explanation(
        N_("nothing of the archive's place {place} was read: it is not checked"),
        N_("there must be objects, and none was found"),
        N_("nobody knows whether it is intact"),
        N_("look at the folder, then `{program} archive.verify --place {place} --all`"),
    ),
    "archive_not_readable": Explanation(
        N_("{count} objects of the archive's place {place} may not be read by this account"),
        N_("their rights are not those that the archive gives"),
        N_("they are not checked"),
        N_("mend the rights, then `{program} archive.verify --place {place}`"),
    ),
    "archive_copy_lacks": Explanation(
        N_("the archive's copy {place} lacks {count} objects"),
        N_("they are damaged at the source or at the copy, and damage is never carried over"),
        N_("what the copy has is whole"),
        N_("`{program} archive.verify --all` heals what can be healed"),
    ),
    "archive_overdue": Explanation(
        N_("bytes of the archive's place {place} have not been read for {days} days"),
        N_("they are to be read again within {longest} days"),
        N_("nobody knows whether they are intact"),
        N_("`{program} archive.verify --place {place} --all`"),
    ),
    "archive_repaired": Explanation(
        N_("{count} objects of the archive were damaged; all are whole again"),
        N_("they were taken from a copy that proved itself"),
        N_("everything archived is intact"),
        N_("if it happens again, look at the disk"),
    ),
    "archive_empty": Explanation(
        N_("nothing is archived yet, so nothing was checked"),
        N_("no site was captured"),
        "",
        N_("`{program} archive.capture`"),
    ),
    "archive_nothing_seen": Explanation(
        N_("the portal of {site} shows no item at all"),
        N_("the connector found its tables, and nothing in them that everybody may see"),
        N_("everything archived is kept as it is"),
        N_("look at `connector`, `part` and `options` in `[sites.archive]`"),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""
