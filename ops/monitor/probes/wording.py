"""Say in words what is red on a site, its certificate, its names and its pages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ops.language.formats import DEFAULT_ZONE, format_date, format_number
from ops.language.text import N_, _, fill
from ops.outcomes import Explainer, Explanation

_PROBLEMS: Mapping[str, str] = {
    "refused": N_("its server runs, but nothing answers at {address}"),
    "unreachable": N_("there is no way to {address}: {detail}"),
    "timeout": N_("{address} takes too long"),
    "certificate": N_("its certificate is not trusted: {detail}"),
    "tls": N_("no safe line could be agreed on: {detail}"),
    "broken": N_("the answer of {address} makes no sense: {detail}"),
    "status": N_("{address} answers with status {detail}"),
    "redirects": N_("it redirects in a circle, or too often: {detail}"),
    "inside": N_("it redirects into a network, to {detail}, where nobody was sent"),
    "address": N_("it leads to what is no address of a page: {detail}"),
    "nxdomain": N_("its name is not in DNS: {detail}"),
    "empty": N_("its name has no address in DNS: {detail}"),
    "resolver": N_("the nameservers do not say where {detail} is"),
    "late": N_("the look took too long, and this site was not reached"),
    "line": N_("our own line does not work"),
}
_REFUSALS: Mapping[str, str] = {
    "expired": N_("it has expired"),
    "early": N_("it is not valid yet"),
    "other_name": N_("it is for another name"),
    "self_signed": N_("it is signed by itself"),
    "unknown_authority": N_("nobody knows the authority that signed it"),
    "incomplete": N_("the certificates between it and a known authority are not all sent"),
    "untrusted": N_("it cannot be verified"),
}
_ON_SITE = N_("backups are untouched")
_LOOK = N_("look again with `{program} monitor.check --site {site}`")
_RENEW = N_("get and load a new one: `{program} runbook.show --id certificate-expired`")


def tell_problem(params: Mapping[str, Any]) -> str:
    """Say why a page did not come, in the reader's language.

    Args:
        params: `problem`, `detail`, `address`, as probes give them.
    """
    problem, detail = str(params.get("problem", "")), str(params.get("detail", ""))
    if problem == "certificate":
        detail = _(_REFUSALS.get(detail, detail))
    named = {"address": params.get("address", ""), "detail": detail}
    return fill(_PROBLEMS.get(problem, problem), named).removesuffix(": ")


def _page(params: Mapping[str, Any]) -> str:
    name = params.get("check", "")
    return _('the page of the check "{check}"').format(check=name) if name else _("its page")


_TEXTS: Mapping[str, Explanation] = {
    "site_down": Explanation(
        N_("the site is down"),
        "{problem_told}",
        _ON_SITE,
        N_("see its server and its web server's log, then `{program} monitor.check --site {site}`;"
           " step by step: `{program} runbook.show --id site-down`"),
    ),
    "site_not_looked_at": Explanation(
        N_("nobody knows whether the site is up"), "{problem_told}", _ON_SITE, _LOOK
    ),
    "certificate_refused": Explanation(
        N_("visitors are warned of the site's certificate"), "{refusal_told}", _ON_SITE, _RENEW
    ),
    "certificate_runs_out": Explanation(
        N_("the site's certificate ends on {day}, in {days} days"),
        N_("it was signed by {issuer}"),
        _ON_SITE,
        _RENEW,
    ),
    "site_left_https": Explanation(
        N_("the site sends visitors from https to a page without TLS"),
        N_("it led to {address}"),
        _ON_SITE,
        N_("correct the redirect on its web server, then `{program} monitor.check --site {site}`"),
    ),
    "issuer_changed": Explanation(
        N_("the site's certificate is signed by somebody else than before"),
        N_("it was {before} and is {found} now"),
        _ON_SITE,
        N_("ask who runs the site whether they changed it; if nobody did, somebody else may hold"
           " its name"),
    ),
    "addresses_changed": Explanation(
        N_("the site's name leads elsewhere than before"),
        N_("it was {before} and is {found} now"),
        _ON_SITE,
        N_("ask who keeps its DNS whether they changed it; where answers change every day, write"
           " `networks` in `[sites.probe]`"),
    ),
    "name_unknown": Explanation(
        N_("DNS does not know where the site is"),
        N_("there is no address for {name}"),
        _ON_SITE,
        N_("see whether the name was paid for and its zone is right, at who keeps its DNS"),
    ),
    "name_leads_astray": Explanation(
        N_("the site's name leads to an address that is not its own"),
        N_("{name} leads to {found}, outside `networks` of `[sites.probe]`"),
        _ON_SITE,
        N_("ask who keeps its DNS at once; if the site has moved, change `networks`"),
    ),
    "resolver_failed": Explanation(
        N_("the nameservers do not say where the site is"),
        N_("the question for {name} was not answered"),
        N_("it was asked at the addresses that were known before"),
        N_("see its zone at who keeps its DNS; `{program} monitor.check --site {site}`"),
    ),
    "nameservers_silent": Explanation(
        N_("our nameservers answer no question"),
        N_("{names} names were asked for"),
        N_("sites are asked at the addresses that were known before"),
        N_("see `/etc/resolv.conf`, or `nameservers` in `[monitor.probes]`; then `{program}"
           " monitor.check`"),
    ),
    "own_line_down": Explanation(
        N_("our own line does not work: no site and nothing beside them answers"),
        N_("{sites} sites could not be looked at"),
        N_("no site is called down for it; the time is a gap in their figures"),
        N_("see the line and the router of this machine; then `{program} monitor.check`"),
    ),
    "ipv6_silent": Explanation(
        N_("the site does not answer over IPv6"),
        "{problem_told}",
        _ON_SITE,
        N_("see whether its web server listens there and the firewall lets it; or take the AAAA"
           " record out"),
    ),
    "ipv6_lost": Explanation(
        N_("the site has no IPv6 address in DNS any more"),
        N_("it had one before"),
        _ON_SITE,
        N_("ask who keeps its DNS to put the AAAA record back"),
    ),
    "page_missing": Explanation(N_("{page} does not come"), "{problem_told}", _ON_SITE, _LOOK),
    "page_lacks": Explanation(
        N_("{page} lacks words that have to stand there"),
        N_("missing: {words}"),
        _ON_SITE,
        N_("open {address}; if it is as it should be, change `words` in `[sites.probe]`"),
    ),
    "page_shows": Explanation(
        N_("{page} shows words that must not stand there"),
        N_("found: {words}"),
        N_("backups of before are untouched"),
        N_("open {address}; if it was defaced: `{program} runbook.show --id defacement`"),
    ),
    "form_missing": Explanation(
        N_("{page} does not show its form"),
        N_("there is nothing at {address} to write into"),
        _ON_SITE,
        _LOOK,
    ),
    "site_slow": Explanation(
        N_("the site is slow: its first byte took {seconds} seconds"),
        N_("{most} are called slow"),
        _ON_SITE,
        N_("see the load of its server: `{program} monitor.status`"),
    ),
}  # fmt: skip


def _explainer(text: Explanation) -> Explainer:
    def explain(params: Mapping[str, Any]) -> Explanation:
        named = {**params, "problem_told": tell_problem(params), "page": _page(params)}
        named["refusal_told"] = _(_REFUSALS.get(str(params.get("problem", "")), ""))
        for name in ("words", "found"):
            if isinstance(params.get(name), (list, tuple)):
                named[name] = ", ".join(map(str, params[name]))
        if "ends_at" in params:
            ends_at = datetime.fromisoformat(params["ends_at"])
            named["day"] = format_date(ends_at.astimezone(ZoneInfo(DEFAULT_ZONE)).date())
        if "seconds" in params:
            named["seconds"] = format_number(params["seconds"], 1)
        parts = (text.what, text.why, text.data, text.next_step)
        return Explanation(*(fill(it, named) if it else "" for it in parts))

    return explain


EXPLANATIONS: Mapping[str, Explainer] = {code: _explainer(it) for code, it in _TEXTS.items()}
"""By code of a condition."""
