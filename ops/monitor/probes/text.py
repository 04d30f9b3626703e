"""Keep what a stranger's server says short and harmless, before it is shown or kept; pure."""

LONGEST = 200


def tidy(text: str, most: int = LONGEST) -> str:
    """Give a text in one line without what a terminal obeys or what turns the writing round."""
    shown = "".join(it if it.isprintable() else " " for it in text[: 4 * most])
    line = " ".join(shown.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
