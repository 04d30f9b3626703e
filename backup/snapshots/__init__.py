"""Look into snapshots: select, group, walk, find, compare, dump, count, tag."""
