"""Example projects that come with Lot."""
