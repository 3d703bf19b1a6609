"""Adapters to agent programs: one protocol, one file per program."""
