"""The yearly plan: drafted from evidence, handed in, decided on paper, carried out, reported."""
