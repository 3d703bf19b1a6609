"""A session's whole life, played over the HTTP API and checked by what can be seen from the outside; prints nothing."""
