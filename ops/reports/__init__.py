"""Reports and plans as papers: what they say, how they look, and how they are kept."""
