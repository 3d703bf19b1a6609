"""The program that runs as PID 1 of every sandbox: standard library only, Python 3.9+, nothing shared but `wire`."""
