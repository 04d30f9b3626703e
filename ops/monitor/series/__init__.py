"""Numbers over time, changes, gaps and the verdict of each minute: tables with roll-ups."""
