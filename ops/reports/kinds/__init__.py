"""Kinds of papers: each makes a paper of facts."""
