"""Sources: what is backed up."""
