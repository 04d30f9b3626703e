"""The scripts with which a shell completes what is typed: it asks the program, and expands nothing.

Invoke's own hand the program's answer to `compgen -W`, which runs `$(…)` in it as who types.
"""

from ops.errors import WrongUseError

_BASH = r"""# Completion of NAME for bash.
_complete_NAME() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ $candidate == "$2"* ]] && COMPREPLY+=("$candidate")
    done < <(NAME --complete -- "${COMP_WORDS[@]}" 2> /dev/null)
}
complete -F _complete_NAME -o default NAME
"""

_ZSH = r"""# Completion of NAME for zsh.
_complete_NAME() {
    reply=("${(@f)$(NAME --complete -- "${(@)words}" 2> /dev/null)}")
    reply=("${(@)reply:#}")
}
compctl -K _complete_NAME + -f NAME
"""

_FISH = r"""# Completion of NAME for fish.
function __complete_NAME
    NAME --complete -- (commandline --tokenize) 2> /dev/null
end
complete --command NAME --no-files --arguments '(__complete_NAME)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion_script(shell: str, program: str) -> str:
    """Give a shell's script for a program.

    Raises:
        WrongUseError: There is none for that shell.
    """
    if shell not in _SCRIPTS:
        raise WrongUseError(
            "there is no completion for the shell {shell}",
            data="nothing was changed",
            next_step="name one of these: {shells}",
            shell=shell,
            shells=", ".join(_SCRIPTS),
        )
    return _SCRIPTS[shell].replace("NAME", program).rstrip()
