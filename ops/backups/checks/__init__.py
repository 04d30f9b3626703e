"""Backups read back, mended, and looked at by stock restic."""
