"""Found again: an index over what is archived, rebuilt from the store whenever it is lost."""
