"""Lot: self-hosted coding sessions."""

__version__ = "0.1.0"
