"""What an estate does not say about the bodies that its papers name: remarks, not mistakes."""

from collections.abc import Iterator
from datetime import date

from ops.errors import Problem, make_warning
from ops.estate.model.estate import Estate
from ops.language.text import N_

_KEY = "organisation.roles"


def check_roles(estate: Estate, today: date) -> Iterator[Problem]:
    """Say which bodies nobody knows, and where one was taken because another decides."""
    organisation = estate.organisation
    roles = organisation.roles_on(today)
    wanted = ["decides", "owner"]
    if any(it.role == "component" for it in estate.named_sites):
        wanted.append("sites_to")
    unknown = [it for it in wanted if not getattr(roles, it)]
    if unknown:
        yield make_warning(
            _KEY,
            N_("nobody says which body this is: {keys}; papers leave dots there"),
            N_("name it in `[[organisation.roles]]`; `{program} estate.sample` shows how"),
            keys=", ".join(unknown),
        )
    said = any(it.submits for it in organisation.roles if it.since <= today)
    if roles.submits != roles.body and not said:
        yield make_warning(
            _KEY,
            N_("the plan is handed in by {submits}, since {decides} decides on it: is that so?"),
            N_("say who does: `submits` in `[[organisation.roles]]`"),
            submits=roles.submits,
            decides=roles.decides,
        )
