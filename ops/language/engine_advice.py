"""What the engine advises, as an operator of the tasks would type it.

The engine speaks of its own verbs (`repair index`, `snapshots`); who sits at `fab` or `giucong` has
tasks instead. `ops.language.text.fill` looks here for every text it shows, so no caller has to
think of it. Where nobody knows the site, the command shows `NAME` in its place.
"""

from collections.abc import Mapping

from ops.language.text import N_

_REPAIR = N_("`{program} backup.repair --site {site}`")
_REPAIR_PACK = N_(
    "fetch this file from another copy; else `{program} backup.repair --site {site} --pack ID`,"
    " then `{program} backup.run --site {site}`"
)
_REPAIR_THEN_RUN = N_(
    "`{program} backup.repair --site {site}`, then `{program} backup.run --site {site}`: it stores"
    " again what is still at the source"
)
_CHECK = N_("`{program} backup.check --site {site}` tells what is damaged")
_READ_DATA = N_("`{program} backup.check --site {site} --read-data` tells what is damaged")
_CHECK_THEN_REPAIR = N_(
    "`{program} backup.check --site {site} --read-data`, then `{program} backup.repair --site"
    " {site}`"
)
_LIST = N_("`{program} backup.list --site {site}` lists those there are")
_PRUNE = N_("`{program} backup.prune --site {site}` again")

ENGINE_ADVICE: Mapping[str, str] = {
    # Findings of a check
    "run repair index": _REPAIR,
    "run repair index, then a backup: it stores again what is still at the source": (
        _REPAIR_THEN_RUN
    ),
    "fetch this file from another copy; else run repair index, then a backup": N_(
        "fetch this file from another copy; else `{program} backup.repair --site {site}`, then"
        " `{program} backup.run --site {site}`"
    ),
    "fetch this file from another copy; else run repair packs with its id, then a backup": (
        _REPAIR_PACK
    ),
    "fetch this file from another copy; else move it away, run repair index, then a backup": N_(
        "fetch this file from another copy; else move it away, then `{program} backup.repair --site"
        " {site}` and `{program} backup.run --site {site}`"
    ),
    "run repair packs with that pack's id; nothing is lost": N_(
        "`{program} backup.repair --site {site} --pack ID` with that pack's id; nothing is lost"
    ),
    "once you are sure that nobody works on the repository, run unlock --remove-all": N_(
        "once you are sure that nobody works on the repository, remove it:"
        " `{program} backup.unlock --site {site}`"
    ),
    "make a new one with key add, then remove this one; its password may open nothing": N_(
        "make a new one, then remove this one; its password may open nothing:"
        " `python -m backup -r STORE/{site} --password-file KEY key add`"
    ),
    "nothing is lost; prune removes it": N_(
        "nothing is lost; `{program} backup.prune --site {site}` removes it"
    ),
    "prune removes them": N_("`{program} backup.prune --site {site}` removes them"),
    "prune may store them apart": N_("`{program} backup.prune --site {site}` may store them apart"),
    "make a new backup; snapshots with this folder cannot be restored whole": N_(
        "`{program} backup.run --site {site}`; snapshots with this folder cannot be restored whole"
    ),
    # Next steps of errors
    "run check, then repair snapshots, or leave this snapshot out": N_(
        "`{program} backup.check --site {site}` tells what is damaged; leave this snapshot out"
    ),
    "run check, then repair index or restore this file from a copy": N_(
        "`{program} backup.repair --site {site}`, or restore this file from a copy"
    ),
    "run check to see what is damaged": _CHECK,
    "run check --read-data to see what is damaged": _READ_DATA,
    "run check --read-data to see what else is damaged": _READ_DATA,
    "run check --read-data, then repair index": _CHECK_THEN_REPAIR,
    "run repair index, then check": N_(
        "`{program} backup.repair --site {site}`, then `{program} backup.check --site {site}`"
    ),
    "run repair index again": N_("`{program} backup.repair --site {site}` again"),
    "run repair index; if it stays lost, restore an older snapshot": N_(
        "`{program} backup.repair --site {site}`; if it stays lost, restore an older snapshot:"
        " `{program} backup.list --site {site}`"
    ),
    "remove from keys those that nobody made; or name yours: --key-hint ID": N_(
        "remove from `keys` there what nobody made; yours is the one that opens with"
        " `python -m backup -r STORE/{site} --password-file KEY --key-hint ID key list`"
    ),
    "run prune again": _PRUNE,
    "find out who writes there, then run prune again": N_(
        "find out who writes there, then `{program} backup.prune --site {site}` again"
    ),
    "restore its file from a copy, or forget {id}, then prune again": N_(
        "restore its file from a copy; else remove the snapshot {id}:"
        " `python -m backup -r STORE/{site} --password-file KEY forget {id}`"
    ),
    "check the target's disk and this machine's memory, then restore again": N_(
        "check the target's disk and this machine's memory, then `{program} backup.restore` again"
    ),
    "look at it with snapshots; if it is right, add --unsafe-allow-remove-all": N_(
        "look at them: `{program} backup.list --site {site}`; then correct the retention in the"
        " estate"
    ),
    "run forget again, so that it decides anew": N_(
        "`{program} backup.forget --site {site}` again, so that it decides anew"
    ),
    "run snapshots to see those there are": _LIST,
    "make one with backup": N_("make one: `{program} backup.run --site {site}`"),
    "run ls with that snapshot to see what it holds": N_(
        "`{program} backup.files --site {site} --snapshot ID` lists what it holds"
    ),
    "run check there; copy the snapshots that are whole by their ids": N_(
        "`{program} backup.check --site {site}`; copy the snapshots that are whole by their ids"
    ),
    "take the ids from check --read-data, in full": N_(
        "take the ids from `{program} backup.check --site {site} --read-data`, in full"
    ),
    "wait for it, use --retry-lock 10m, or run unlock if that process is gone": N_(
        "wait for it; if that process is gone: `{program} backup.unlock --site {site}`"
    ),
}
"""The engine's sentence → the sentence with the task to type."""
