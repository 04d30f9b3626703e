"""Whether duties are done, and what shows it."""
