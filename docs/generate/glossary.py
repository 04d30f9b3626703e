"""The page of words: one row a term of `glossary.toml`, in the order of the English."""

import tomllib
from pathlib import Path

DECLARED = Path(__file__).with_name("glossary.toml")

HEAD = """# Glossary

One word for each thing, in code, texts and talk. Made from `docs/generate/glossary.toml`, with
which a test goes through every Vietnamese text: a word of the third column fails it.

| English | Vietnamese | not | meaning |
|---|---|---|---|
"""


def render_glossary() -> str:
    """Render the table of terms."""
    terms = tomllib.loads(DECLARED.read_text(encoding="utf-8"))["term"]
    rows = [
        (it["english"], it["vietnamese"], ", ".join(it.get("not", [])), it["meaning"])
        for it in terms
    ]
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in sorted(rows))
