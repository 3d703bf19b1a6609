"""Decisions and vocabulary of Lot: no I/O, no clock, no framework."""
