"""Folders that another system fills: whether what was delivered is fresh, whole and enough."""
