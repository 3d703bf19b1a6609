"""The HTTP API seen from a program on the outside: what `lot` itself, its demo and its benchmark are built on."""
