"""The phases of a drill, in the order of the runbook `restore-drill`.

Each may be carried out again after it was cut off: it begins by clearing what an earlier try left.
What it finds is evidence, also where that is bad: only a use that makes no sense stops the runbook.
"""

from collections.abc import Mapping

from ops.language.text import N_

PHASES = ("prepare", "keys", "fetch", "scan", "rehearse", "wipe", "conclude")
"""Of a drill of a whole site."""

FILE_PHASES = ("fetch", "wipe", "conclude")
"""Of a drill of one file, and of one from the archive."""

ALWAYS = frozenset({"wipe", "conclude"})
"""Carried out whatever came before."""

TITLES: Mapping[str, str] = {
    "prepare": N_("choose the copy, look at the machine"),
    "keys": N_("get the keys"),
    "fetch": N_("fetch the copy, compare every file"),
    "scan": N_("look for malware"),
    "rehearse": N_("bring it to life in the sandbox"),
    "wipe": N_("wipe the drill's folder"),
    "conclude": N_("judge, write the minutes"),
}
