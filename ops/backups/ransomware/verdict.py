"""Whether a change is unlike the site's own past in the way of ransomware, and its words; pure.

Four measures are shares of the files that were there before: files that seem encrypted, files that
have lost their compressibility, files with strange names, files that are gone. Much that is new is
no measure: a large upload adds, and takes nothing away. Much that has changed is none either: an
upgrade rewrites thousands of files, but they compress as before and begin with what they are.

Each measure is held against a bound. With too few good backups before, it is the estate's own, wide
one. Afterwards it is learnt: the median of the past shares and six spreads, where a spread is the
median distance from the median, made comparable to a standard deviation; never below a floor, and
never so high that the loss of nearly all files would pass. A handful of files never counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ops.alerts.drafts import FROZEN
from ops.backups.pages.verdict import UNLIKE, tell_jump
from ops.estate.model.policies import Watch
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill
from ops.outcomes import Explainer, Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFigures:
    """How the files of a site have changed between two snapshots; databases are not counted.

    Attributes:
        files: Files there were before.
        changed: Files with other content.
        removed: Files that are gone.
        added: Files that are new.
        renamed: Gone files that are there under a name with another, or one more, extension.
        new_bytes, new_packed_bytes: Content that only the newer snapshot has, and what it takes
            in the store.
        old_bytes, old_packed_bytes: The same for content that is gone or was written over.
        hardened: Changed or renamed files whose content was compressible and no longer is.
        samples: Changed and new files whose beginning was looked at.
        sealed: Those of them that begin like encrypted data.
        extension: The extension that most files got of those their folders did not know before;
            those that are usual on the web are left out.
        strange: How many got it.
    """

    files: int
    changed: int = 0
    removed: int = 0
    added: int = 0
    renamed: int = 0
    new_bytes: int = 0
    new_packed_bytes: int = 0
    old_bytes: int = 0
    old_packed_bytes: int = 0
    hardened: int = 0
    samples: int = 0
    sealed: int = 0
    extension: str = ""
    strange: int = 0

    @property
    def encrypted(self) -> int:
        """Give how many files seem to be encrypted, judged by the samples.

        No more than were there before and are not as they were: what is only new is no loss.
        """
        if not self.samples:
            return 0
        suspected = round((self.changed + self.added) * self.sealed / self.samples)
        return min(suspected, self.changed + self.removed)

    @property
    def relabelled(self) -> int:
        """Give how many files seem to have got a strange name."""
        return max(self.renamed, min(self.strange, self.removed))

    @property
    def lost(self) -> int:
        """Give how many files are gone, beyond those that others have taken the place of."""
        return max(self.removed - self.added, 0)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "ChangeFigures":
        """Read them from JSON values, of this or an earlier version."""
        known = {name: values[name] for name in cls.__slots__ if name in values}
        return cls(**{"files": 0, **known})


LEARNT_FROM = 30
"""Good backups that are looked back on."""

FEWEST_FILES = 8
"""Fewer files than this are never an alarm."""

ENCRYPTED = "encrypted"
HARDENED = "hardened"
RELABELLED = "relabelled"
LOST = "lost"

_SPREADS = 6.0
_NORMAL = 1.4826  # median distance to standard deviation, for a normal distribution
_HIGHEST = 0.9
_FLOORS: Mapping[str, float] = {ENCRYPTED: 0.02, HARDENED: 0.1, RELABELLED: 0.1, LOST: 0.4}
_COUNTS: Mapping[str, Callable[[ChangeFigures], int]] = {
    ENCRYPTED: lambda it: it.encrypted,
    HARDENED: lambda it: it.hardened,
    RELABELLED: lambda it: it.relabelled,
    LOST: lambda it: it.lost,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One measure beyond its bound.

    Attributes:
        measure: Which.
        files: How many files.
        share: Of those that were there before, from 0 to 1.
        bound: The highest share that would have been taken for usual.
        runs: Good backups it was learnt from; 0 for the estate's own bound.
    """

    measure: str
    files: int
    share: float
    bound: float
    runs: int


def judge_change(
    figures: ChangeFigures, history: Sequence[ChangeFigures], settings: Watch
) -> list[Signal]:
    """Give every measure that lies beyond its bound; the most telling first.

    Args:
        figures: Of the backup to judge.
        history: Of the good backups before it; the newest `LEARNT_FROM` are enough.
        settings: The estate's own bounds, in percent, until enough good backups went before.
    """
    found = []
    for measure, count in _COUNTS.items():
        files = count(figures)
        share = _share(files, figures)
        past = [_share(count(it), it) for it in history]
        is_learnt = len(past) >= settings.learn_runs
        bound = getattr(settings, f"{measure}_percent") / 100
        if is_learnt:
            bound = _learn(past, _FLOORS[measure])
        if files >= FEWEST_FILES and share > bound:
            runs = len(past) if is_learnt else 0
            found.append(
                Signal(
                    measure=measure,
                    files=files,
                    share=round(share, 4),
                    bound=round(bound, 4),
                    runs=runs,
                )
            )
    return found


def _share(files: int, figures: ChangeFigures) -> float:
    return min(files / max(figures.files, 1), 1.0)


def _learn(past: Sequence[float], floor: float) -> float:
    middle = median(past)
    spread = _NORMAL * median(abs(share - middle) for share in past)
    return min(max(middle + _SPREADS * spread, floor), _HIGHEST)


_MEASURES: Mapping[str, str] = {
    ENCRYPTED: N_("{files} of {all} files seem to be encrypted ({share} %, usual up to {bound} %)"),
    HARDENED: N_(
        "{files} of {all} files can no longer be compressed ({share} %, usual up to {bound} %)"
    ),
    RELABELLED: N_(
        "{files} of {all} files have got another extension ({share} %, usual up to {bound} %)"
    ),
    LOST: N_("{files} of {all} files are gone ({share} %, usual up to {bound} %)"),
}


def tell_signals(params: Mapping[str, Any]) -> str:
    """Give all measures beyond their bounds as one line; `params` as of `freeze.params_of`."""
    figures = ChangeFigures.from_values(params["figures"])
    return "; ".join(_tell_signal(it, figures) for it in params["signals"])


def _tell_signal(signal: Mapping[str, Any], figures: ChangeFigures) -> str:
    if "page" in signal:
        return tell_jump(signal)
    return _(_MEASURES[signal["measure"]]).format(
        files=format_number(signal["files"]),
        all=format_number(figures.files),
        share=format_number(100 * signal["share"], 1),
        bound=format_number(100 * signal["bound"], 1),
    )


def tell_figures(params: Mapping[str, Any]) -> str:
    """Give the figures behind them as one line."""
    figures = ChangeFigures.from_values(params["figures"])
    parts = [
        _("changed: {changed}, gone: {removed}, new: {added}").format(
            changed=format_number(figures.changed),
            removed=format_number(figures.removed),
            added=format_number(figures.added),
        )
    ]
    if figures.new_bytes:
        parts.append(
            _("new content: {size}, stored as {packed}").format(
                size=format_size(figures.new_bytes), packed=format_size(figures.new_packed_bytes)
            )
        )
    if figures.samples:
        parts.append(
            _("of {samples} files that were looked at, {sealed} begin like encrypted data").format(
                samples=figures.samples, sealed=figures.sealed
            )
        )
    if figures.extension:
        parts.append(
            _("new extension: .{extension} ({count} files)").format(
                extension=figures.extension, count=format_number(figures.strange)
            )
        )
    runs = max((int(it["runs"]) for it in params["signals"]), default=0)
    parts.append(
        _("learnt from {runs} good backups").format(runs=runs)
        if runs
        else _("too few backups yet to know what is usual; the estate's bounds were used")
    )
    return "; ".join(parts)


def _explain_unlike(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("pages are unlike all that the last good backups noted of them: the site may be defaced"),
        tell_signals(params),
        fill(
            N_(
                "nothing of the site is deleted, in any store, until somebody has looked; snapshot"
                " {before}, the last good one, is kept; {snapshot} is the first that shows it"
            ),
            params,
        ),
        fill(
            N_(
                "look at the site; was it attacked: `{program} runbook.run --id defacement`; is it"
                " meant: `{program} backup.accept --site {site} --reason TEXT`"
            ),
            params,
        ),
    )


def _explain_frozen(params: Mapping[str, Any]) -> Explanation:
    if params.get("reason") == UNLIKE:
        return _explain_unlike(params)
    return Explanation(
        _(
            "nothing of the site is deleted, in any store: a backup looks like the work of"
            " ransomware"
        ),
        f"{tell_signals(params)}; {tell_figures(params)}",
        fill(
            N_("snapshot {before}, from before, is kept; {snapshot} holds the changed files"),
            params,
        ),
        fill(
            N_(
                "look for renamed files, demands for money, and in"
                " `{program} backup.files --site {site} --all`; was it attacked:"
                " `{program} runbook.run --id ransomware`; is it meant:"
                " `{program} backup.accept --site {site} --reason TEXT`"
            ),
            params,
        ),
    )


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    FROZEN: _explain_frozen,
    UNLIKE: _explain_unlike,
}
"""By reason code; parts with placeholders, or what makes them."""
