"""An OCFL 1.1 storage root on a POSIX folder: read with `ls` and a JSON reader, without us."""
