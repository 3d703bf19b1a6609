"""Benchmarks that need a checkout: what they drive and start is the tests' own."""
