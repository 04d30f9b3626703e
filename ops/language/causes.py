"""Causes that others word in English, in the reader's language: the one place where that is done.

The operating system, Python's readers and SQLite explain themselves in English, and the libraries
pass their sentences on as values of an error. `ops.language.text.fill` asks here about each such
value; who shows one by itself calls `tell_cause`. A sentence that nobody foresaw is shown as it
stands.

The engine advises its own verbs (`repair index`, `snapshots`); who sits at `fab` or `giucong` has
tasks instead. `ops.language.text.fill` puts those in every text it shows, so no caller has to think
of it. Where nobody knows the site, the command shows `NAME` in its place.

Sources of the sentences: `strerror(3)` and `gai_strerror(3)` of glibc; CPython's `tomllib` and
`csv`; sqlite.org, "Result and Error Codes"; `provisioning.ssh.errors`,
`backup.sources.remote`.
"""

import re
from collections.abc import Mapping

from ops.language.text import N_, _, fill

CAUSES = frozenset(
    {
        # errors of the system
        N_("Operation not permitted"),
        N_("No such file or directory"),
        N_("Input/output error"),
        N_("No such device or address"),
        N_("Bad file descriptor"),
        N_("Resource temporarily unavailable"),
        N_("Cannot allocate memory"),
        N_("Permission denied"),
        N_("Device or resource busy"),
        N_("File exists"),
        N_("Invalid cross-device link"),
        N_("No such device"),
        N_("Not a directory"),
        N_("Is a directory"),
        N_("Invalid argument"),
        N_("Too many open files in system"),
        N_("Too many open files"),
        N_("Text file busy"),
        N_("File too large"),
        N_("No space left on device"),
        N_("Illegal seek"),
        N_("Read-only file system"),
        N_("Too many links"),
        N_("Broken pipe"),
        N_("File name too long"),
        N_("Directory not empty"),
        N_("Too many levels of symbolic links"),
        N_("Operation not supported"),
        N_("Address already in use"),
        N_("Cannot assign requested address"),
        N_("Network is down"),
        N_("Network is unreachable"),
        N_("Connection reset by peer"),
        N_("Transport endpoint is not connected"),
        N_("Connection timed out"),
        N_("Connection refused"),
        N_("Host is down"),
        N_("No route to host"),
        N_("Stale file handle"),
        N_("Disk quota exceeded"),
        # names of machines
        N_("Name or service not known"),
        N_("No address associated with hostname"),
        N_("Temporary failure in name resolution"),
        # SQLite
        N_("attempt to write a readonly database"),
        N_("database disk image is malformed"),
        N_("database is locked"),
        N_("database or disk is full"),
        N_("disk I/O error"),
        N_("file is not a database"),
        N_("unable to open database file"),
        # tomllib, csv
        N_("Cannot overwrite a value"),
        N_("Escaped character is not a Unicode scalar value"),
        N_("Expected '=' after a key in a key/value pair"),
        N_("Expected ']' at the end of a table declaration"),
        N_("Expected ']]' at the end of an array declaration"),
        N_("Expected newline or end of document after a statement"),
        N_("Invalid date or datetime"),
        N_("Invalid hex value"),
        N_("Invalid initial character for a key part"),
        N_("Invalid statement"),
        N_("Invalid value"),
        N_("Unclosed array"),
        N_("Unclosed inline table"),
        N_("Unescaped '\\' in a string"),
        N_("Unterminated string"),
        N_("unexpected end of data"),
        N_(
            "new-line character seen in unquoted field - do you need to open the file with"
            " newline=''?"
        ),
        # hosts and their files
        N_("SFTP does not tell which device it is"),
        N_("a device has gone"),
        N_("a link has gone"),
        N_("find failed without a word"),
        N_("it cannot be listed"),
        N_("it cannot be looked at"),
        N_("it cannot be read"),
        N_("it changed while it was read, three times over; what was read last is kept"),
        N_("it did not say that all was told"),
        N_("it ended before all was told"),
        N_("it is no regular file any more"),
        N_("it is shorter than it was said to be"),
        N_("its attributes cannot be read"),
        N_("neither python3 nor find, stat and tar are there"),
        N_("no ed25519 key without passphrase"),
        N_("tar did not send it"),
        N_("tar failed"),
        N_("the archive ends in the middle of a file"),
        N_("the listing has no end"),
        N_("the password is too long"),
        N_("the server does not say what it is"),
        N_("what it sent makes no sense"),
        N_("without a word"),
        # what a way of reading a host cannot keep
        N_("extended attributes and access lists"),
        N_("names of owners"),
        N_("hard links: each name is a file of its own"),
        N_("fractions of seconds"),
        N_("a change that keeps size and time is not seen"),
        N_("mounted file systems are not told apart"),
        # hosts and time
        N_("it ended the connection"),
        N_("it is not there"),
        N_("it is no http or https address"),
        N_("its address cannot be read; `estate.check` says why"),
        N_("no answer in time"),
        N_("timed out"),
    }
)

_FORMS: Mapping[re.Pattern[str], str] = {
    re.compile(r"\[Errno -?\d+\] (?P<cause>[^:]+): (?P<path>.+)", re.DOTALL): "{cause}: {path}",
    re.compile(r"\[Errno -?\d+\] (?P<cause>[^:]+)"): "{cause}",
    re.compile(r"what it sent makes no sense: (?P<cause>.+)"): N_(
        "what it sent makes no sense: {cause}"
    ),
    re.compile(r"the name is not known: (?P<cause>.+)"): N_("the name is not known: {cause}"),
    re.compile(r"Cannot declare (?P<key>.+) twice"): N_("{key} is declared twice"),
    re.compile(r"Cannot redefine namespace (?P<key>.+)"): N_("{key} is declared twice"),
    re.compile(r"Duplicate inline table key (?P<key>.+)"): N_("{key} is declared twice"),
    re.compile(r"(?:Found invalid|Illegal) character (?P<character>.+)"): N_(
        "the character {character} may not stand there"
    ),
    re.compile(r"Expected (?P<character>['\"].+['\"])"): N_("{character} is missing"),
    re.compile(r"(?P<first>'.') expected after (?P<second>'.')"): N_(
        "{first} has to follow {second}"
    ),
}


def tell_error(error: Exception) -> str:
    """Give what happened in the reader's language, whoever raised it."""
    if hasattr(error, "what") and hasattr(error, "params"):
        return fill(error.what, error.params)
    return tell_cause(getattr(error, "strerror", None) or str(error))


def tell_cause(text: str) -> str:
    """Give a cause that others worded in the reader's language; any other text as it stands."""
    if text in CAUSES:
        return _(text)
    for form, template in _FORMS.items():
        found = form.fullmatch(text)
        if found is not None:
            return _(template).format(**{k: tell_cause(v) for k, v in found.groupdict().items()})
    return text


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
