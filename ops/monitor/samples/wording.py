"""Say in words what is red on a machine, a device or a line."""

from collections.abc import Mapping
from typing import Any

from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill
from ops.outcomes import Explainer, Explanation

_SEEN_ALONE = N_("nothing was changed there; it was only looked at")
_NOT_SEEN = N_("what stands on it is not checked meanwhile")
_LOOK = N_("look again with `{program} monitor.check --host {host}`")
_ACCOUNT = N_(
    "have root run there what `{program} estate.account --host {host}` prints, then `{program}"
    " monitor.check --host {host}`"
)

_TEXTS: Mapping[str, Explanation] = {
    "host_unreachable": Explanation(
        N_("{machine} does not answer"),
        "{reason}",
        N_("backups that read it wait or fail; those in the stores are untouched"),
        N_(
            "see whether it is up and lets this machine in; then `{program} monitor.check --host"
            " {host}`"
        ),
    ),
    "host_slow": Explanation(
        N_("{machine} takes too long to answer"),
        N_("it is overloaded, or its line is"),
        _NOT_SEEN,
        _LOOK,
    ),
    "host_key_unknown": Explanation(
        N_("no key is on record for {machine}, so nobody looks at it"),
        "{reason}",
        _NOT_SEEN,
        N_(
            "compare the fingerprint on the host itself, then `{program} estate.trust --host"
            " {host}`"
        ),
    ),
    "host_key_changed": Explanation(
        N_("{machine} shows another key than the one on record"),
        "{reason}",
        N_("the connection was ended before anything was sent"),
        N_(
            "ask who runs the host; only if they changed the key: `{program} estate.trust --host"
            " {host}`"
        ),
    ),
    "host_key_revoked": Explanation(
        N_("{machine} shows a key that was revoked"),
        "{reason}",
        N_("the connection was ended before anything was sent"),
        N_("have it make itself a new key, then `{program} estate.trust --host {host}`"),
    ),
    "host_own_key": Explanation(
        N_("there is no key of ours to enter {machine} with"),
        "{reason}",
        _NOT_SEEN,
        N_("see `identity` of the host: `{program} estate.check`"),
    ),
    "host_refused": Explanation(
        N_("{machine} does not let us in"), "{reason}", _NOT_SEEN, _ACCOUNT
    ),
    "host_gate": Explanation(
        N_("the gate of {machine} does not know the program that looks at it"),
        N_("its account was made by an older version, or by a newer one"),
        _NOT_SEEN,
        _ACCOUNT,
    ),
    "host_flooding": Explanation(
        N_("{machine} says far more than it was asked"),
        N_("a program there prints where it should not, or somebody means harm"),
        N_("all of it was thrown away"),
        _LOOK,
    ),
    "host_senseless": Explanation(
        N_("what {machine} says of itself makes no sense"),
        "{reason}",
        N_("all of it was thrown away"),
        _LOOK,
    ),
    "host_not_asked": Explanation(
        N_("the turn of {machine} did not come in time"),
        N_("too many machines do not answer, and this one did not the last time"),
        _NOT_SEEN,
        _LOOK,
    ),
    "mount_hangs": Explanation(
        N_("{path} on {machine} hangs"),
        N_(
            "what it is mounted from does not answer; whoever opens a file there waits, a backup"
            " too"
        ),
        _SEEN_ALONE,
        N_("see the server behind it; `umount -l {path}` lets those who wait go on"),
    ),
    "disk_full": Explanation(
        N_("{path} on {machine} is {value} % full"),
        N_("the limit is {limit} %; {free} of {size} are left"),
        _SEEN_ALONE,
        N_("make room there; `df -h` and `du -xh {path}` show what takes it"),
    ),
    "inodes_full": Explanation(
        N_("{value} % of the files that {path} on {machine} can hold are used"),
        N_("the limit is {limit} %; a disk takes no new file then, however much room it has"),
        _SEEN_ALONE,
        N_("look for folders with very many small files, such as old sessions"),
    ),
    "cpu_busy": Explanation(
        N_("the processors of {machine} are {value} % busy"),
        N_("the limit is {limit} %"),
        _SEEN_ALONE,
        N_("see there what runs: `top`"),
    ),
    "load_high": Explanation(
        N_("the load of {machine} is {value} for each processor"),
        N_("the limit is {limit}"),
        _SEEN_ALONE,
        N_("see there what runs and what waits: `top`"),
    ),
    "memory_full": Explanation(
        N_("{value} % of the memory of {machine} is in use"),
        N_("the limit is {limit} %; {free} could still be had"),
        _SEEN_ALONE,
        N_("see there who uses it: `top -o %MEM`"),
    ),
    "swap_full": Explanation(
        N_("{value} % of the swap of {machine} is in use"),
        N_("the limit is {limit} %"),
        _SEEN_ALONE,
        N_("see there who uses memory: `top -o %MEM`"),
    ),
    "pressure_memory": Explanation(
        N_("in {value} % of the time all work on {machine} waits for memory"),
        N_("the limit is {limit} %"),
        _SEEN_ALONE,
        N_("see there who uses it: `top -o %MEM`"),
    ),
    "pressure_io": Explanation(
        N_("in {value} % of the time all work on {machine} waits for its disks"),
        N_("the limit is {limit} %"),
        _SEEN_ALONE,
        N_("see there who reads and writes: `iotop`"),
    ),
    "units_failed": Explanation(
        N_("{count} units on {machine} have failed: {units}"),
        "",
        _SEEN_ALONE,
        N_("see there why: `systemctl --failed`, `journalctl -u UNIT`"),
    ),
    "clock_off": Explanation(
        N_("the clock of {machine} differs from ours by {seconds} s"),
        N_("the limit is {limit} s; times in its logs and pages are wrong by as much, or ours are"),
        _SEEN_ALONE,
        N_("see here and there whether time is kept: `timedatectl`"),
    ),
    "reboot_wanted": Explanation(
        N_("{machine} wants to be restarted"),
        N_("an update is in place that counts only after a restart; this may wait {days} days"),
        _SEEN_ALONE,
        N_("plan a stop: `{program} duty.planned-stop`"),
    ),
    "updates_wait": Explanation(
        N_("{count} security updates wait on {machine}"),
        N_("they may wait {days} days"),
        _SEEN_ALONE,
        N_("install them there: `apt-get upgrade`"),
    ),
    "log_silent": Explanation(
        N_("nothing was written to the system log of {machine} for {hours} hours"),
        N_("the limit is {limit} hours; what happened there meanwhile is recorded nowhere"),
        _SEEN_ALONE,
        N_("see there whether it runs: `systemctl status systemd-journald rsyslog`"),
    ),
    "device_silent": Explanation(
        N_("{device} at {address} does not answer"),
        "",
        N_("no data is kept there"),
        N_("see whether it has power and a line"),
    ),
    "device_not_asked": Explanation(
        N_("the turn of {device} did not come in time"),
        N_("too many devices do not answer, and this one did not the last time"),
    ),
    "device_no_ping": Explanation(
        N_("{device} at {address} does not answer to ping; its ports do"),
        "",
        N_("no data is kept there"),
        N_("let it answer, or write `ping = false` for it in the estate"),
    ),
    "device_port_closed": Explanation(
        N_("port {port} of {device} at {address} is closed"),
        "",
        N_("no data is kept there"),
        N_("restart what listens there, or take the port out of the estate"),
    ),
    "line_down": Explanation(
        N_("none of the {count} machines on the line {line} answers"),
        N_("the line itself is down, or what all of them hang on"),
        N_("backups over it wait or fail; those in the stores are untouched"),
        N_("ask who runs the line; single machines are not told of meanwhile"),
    ),
}


def _number(value: float) -> str:
    return format_number(value, 0 if float(value).is_integer() else 1)


def _explainer(text: Explanation) -> Explainer:
    def explain(params: Mapping[str, Any]) -> Explanation:
        sizes = {it: format_size(params[it]) for it in ("free", "size") if params.get(it)}
        figures = {it: _number(params[it]) for it in ("value", "seconds") if it in params}
        named = {
            **params,
            **sizes,
            **figures,
            "machine": params.get("host") or _("this machine"),
            "units": ", ".join(params.get("units", ())),
        }
        parts = [_(it) if it else "" for it in (text.what, text.why, text.data, text.next_step)]
        if not params.get("host"):
            parts = [it.replace(" --host {host}", "") for it in parts]
        return Explanation(*(fill(it, named) for it in parts))

    return explain


EXPLANATIONS: Mapping[str, Explainer] = {code: _explainer(it) for code, it in _TEXTS.items()}
