"""Removable media in a safe."""
