"""Measures what a session waits for, beside the bare runtime doing the same in the same run; prints nothing."""
