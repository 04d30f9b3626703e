"""fab estate.retire: the last backup, the minutes."""
