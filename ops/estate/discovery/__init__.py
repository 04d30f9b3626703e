"""Find what a machine serves and propose blocks for the estate: text → facts → blocks.

The parsers (`nginx`, `apache`, `applications`) are pure functions over text that anybody may have
written; `looking` reads the files, below another root if asked; `proposing` makes blocks.
"""
