"""Record tables: what is red, who was told, and who has taken it up."""
