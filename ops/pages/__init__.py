"""Chosen pages of a site: fetched and noted at backup time, compared in drills."""
