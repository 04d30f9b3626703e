"""`giucong` and `fab`: the program, its collections, the door of every task."""
