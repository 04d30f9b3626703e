"""What the tables call each work, and what each is compared with."""

TITLES = {
    "first-a": "first backup of the portal (a)",
    "first-b": "first backup of one dump (b)",
    "first-c": "first backup of small files (c)",
    "unchanged-a": "nothing changed (a)",
    "unchanged-c": "nothing changed (c)",
    "after-a": "a day later (d)",
    "check-a": "check --read-data (a)",
    "restore-a": "restore of (a)",
    "restore-c": "restore of (c)",
    "prune": "prune after forgetting half of ten snapshots",
    "s3-first": "first backup of the portal (a) into a bucket",
    "s3-unchanged": "nothing changed (a), in a bucket",
    "s3-restore": "restore of (a) from a bucket",
    "ssh-first": "first backup of the portal (a) over SSH",
    "ssh-unchanged": "nothing changed over SSH, a third of (c)",
    "ssh-many": "many hosts unchanged, 8 wide, one process",
    "ssh-many-apart": "many hosts unchanged, 8 wide, a process each",
    "mariadb": "dump of a live MariaDB over SSH",
    "bad-line": "first backup (a) into a bucket, given up and run again at two cuts",
    "bad-line-short": "first backup (a) into a bucket, two short cuts outlived",
    "archive-store": "objects stored in the archive, durable",
    "archive-scrub": "every object of the archive read and held against its inventory",
}
AGAINST = {
    "rsync": "`rsync -a` over SSH",
    "mariadb-dump": "`mariadb-dump` to `cat`",
    "undisturbed": "bytes of an undisturbed run",
    "ocfl-py": "ocfl-py, which syncs nothing",
    "bare loop": "SHA-512 of the same files, two processes",
    None: "seconds",
}
