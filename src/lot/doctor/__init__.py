"""Checks that this machine can run Lot: facts are read by `probes.py`, judged by the other files, shown by the CLI."""
