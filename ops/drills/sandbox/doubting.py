"""Say what a copy lacks by its own manifest, and of what the site has today; pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from ops.drills.sandbox.result import Remark
from ops.estate.sites import Site


def doubt_copy(manifest: Mapping[str, Any], site: Site) -> Iterator[Remark]:
    """Yield what the copy never held, so that no rehearsal of it can show it; pure.

    Raises:
        KeyError, TypeError: The manifest is none.
    """
    missing = manifest["missing"]
    if missing["count"]:
        named = [str(it["path"]) for it in missing["paths"]]
        yield Remark("not_checked", "copy_incomplete", {"count": missing["count"], "paths": named})
    for it in manifest["databases"]:
        check = it.get("check", {})
        if not check.get("ok"):
            problems = [str(problem) for problem in check.get("problems", ())]
            yield Remark(
                "not_checked", "copy_doubtful", {"database": it["name"], "problems": problems}
            )
    held = {str(it["name"]) for it in (*manifest["files"], *manifest["databases"])}
    names = [*(it.name for it in site.files), *(it.name for it in site.databases)]
    lacking = [it for it in names if it not in held]
    if lacking:
        yield Remark("not_checked", "parts_not_in_copy", {"parts": lacking})
