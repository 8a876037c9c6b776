"""Commands of the command line: one file each, its name is the command; ``SUMMARY`` is its line in the help, ``run`` does it."""
