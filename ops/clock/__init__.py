"""The clock: what time it is, when a schedule is due, and how to say so. Pure but for one seam."""
