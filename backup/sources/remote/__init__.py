"""Files of other machines: nothing is installed there, and nothing there is written."""
