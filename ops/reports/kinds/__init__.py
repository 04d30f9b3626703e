"""The kinds of papers: what the service knows, put into a paper's values."""
