"""What people hand in by hand: a folder, a table, a BagIt bag become items."""
