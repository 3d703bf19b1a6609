"""How a repository is set up and started, told from its files alone: no model, no network, nothing is run."""
