"""Stores: where the files of a repository lie."""
