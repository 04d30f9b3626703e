"""Bring the fetched copy to life in the sandbox, and look at it there.

1. Wipe the keys from paper: nothing in the sandbox may find them.
2. Plan the rehearsal from the copy's own manifest and the estate.
3. Rehearse it (`ops.sandbox`).
"""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from ops.backups import MANIFEST
from ops.drills.phases.work import Work
from ops.drills.records import PhaseResult
from ops.sandbox.make_plan import plan_rehearsal
from ops.sandbox.plan import RehearsalPlan
from ops.sandbox.rehearse import remove_tree
from ops.sandbox.result import RehearsalResult, write_result
from ops.sandbox.verify import doubt_copy


def rehearse(work: Work) -> PhaseResult:
    """Plan and rehearse."""
    from ops.sandbox.rehearse import rehearse as rehearse_plan

    remove_tree(work.keys)
    top = work.restored / work.site.name
    try:
        manifest: dict[str, Any] = json.loads((top / MANIFEST).read_text(encoding="utf-8"))
        plan, doubts = _plan(work, manifest), tuple(doubt_copy(manifest, work.site))
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        params = {"error": type(error).__name__, "text": str(error)}
        return PhaseResult(outcome="failed", reason="drill_no_manifest", params=params)
    found = rehearse_plan(plan)
    return judge_rehearsal(replace(found, remarks=(*found.remarks, *doubts)), manifest)


def _plan(work: Work, manifest: dict[str, Any]) -> RehearsalPlan:
    """Plan it; what claims to be younger than the copy itself does not count as its newest."""
    is_later = bool(work.drill.phases["fetch"].facts.get("databases_of"))
    ended_at = datetime.fromisoformat(manifest["ended_at"]["utc"])
    newest = work.drill.incident_at if is_later else min(work.drill.incident_at, ended_at)
    plan = plan_rehearsal(
        work.estate,
        work.site,
        manifest=manifest,
        restored=work.restored / work.site.name,
        work=work.folder,
        incident_at=newest,
    )
    return replace(plan, rows_are_later=is_later)


def judge_rehearsal(found: RehearsalResult, manifest: dict[str, Any]) -> PhaseResult:
    """Give the result of a rehearsal: its gravest remark is the reason; pure."""
    facts = {
        "result": json.loads(write_result(found)),
        "made_by": manifest.get("made_by", {}),
        "newest": None if found.newest is None else found.newest.isoformat(),
    }
    outcome = found.outcome
    if outcome == "ok":
        return PhaseResult(outcome="ok", facts=facts)
    grave = [it for it in found.remarks if it.outcome == "failed"] or list(found.remarks)
    if not grave:
        params = {"why": found.isolation.why}
        return PhaseResult(outcome=outcome, reason="drill_not_isolated", params=params, facts=facts)
    return PhaseResult(
        outcome=outcome, reason=grave[0].code, params=dict(grave[0].params), facts=facts
    )
