"""Read the numbers that are given to flags."""

from ops.errors import WrongUseError

MOST_COUNTED = 9_000
"""The greatest number that a flag takes: what counts days or years needs no more."""


class NumberReader:
    """Reads the number that is given to a flag; what invoke calls the flag's kind."""

    def __init__(self, flag: str) -> None:
        self._flag = flag
        self.__name__ = "int"  # invoke prints a kind by its name

    def __call__(self, text: str) -> int:
        """Read it.

        Raises:
            WrongUseError: It is no whole number from 0 to `MOST_COUNTED`.
        """
        digits = text.strip()
        is_short = len(digits) <= len(str(MOST_COUNTED))
        if digits.isascii() and digits.isdigit() and is_short and int(digits) <= MOST_COUNTED:
            return int(digits)
        raise WrongUseError(
            "the flag --{flag} takes a whole number from 0 to {most}",
            why='"{given}" was given',
            data="nothing was changed",
            next_step="correct it and type the command again",
            flag=self._flag,
            most=MOST_COUNTED,
            given=text,
        )
