"""Removable media: backups on disks that lie in a safe, their labels, their renewal."""
