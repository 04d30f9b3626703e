"""The steps, one file each, named by their number."""
