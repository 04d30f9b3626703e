"""Word what the watch found red, for a notice: its own sentence is the headline."""

from dataclasses import replace

from ops.alerts.notice_wording import PROBLEM, NoticeKind, Told
from ops.monitor.forecast.wording import EXPLANATIONS as OF_FORECASTS
from ops.monitor.probes.wording import EXPLANATIONS as OF_PROBES
from ops.monitor.samples.wording import EXPLANATIONS as OF_SAMPLES
from ops.monitor.watch.beat import EXPLANATIONS as OF_THE_WATCH
from ops.monitor.watch.figures import EXPLANATIONS as OF_FIGURES
from ops.outcomes.explain import explain
from ops.outcomes.plain import Explanation


def _word(told: Told, _zone: str) -> tuple[str, Explanation]:
    found = explain(told.code, told.params, site=told.site)
    return found.what, replace(found, what="")


NOTICE_KINDS = {
    code: NoticeKind(_word, about_sites=False, label=PROBLEM)
    for code in (*OF_PROBES, *OF_SAMPLES, *OF_THE_WATCH, *OF_FIGURES, *OF_FORECASTS)
}
