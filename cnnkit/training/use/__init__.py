"""A network with the weights of a run, put to use."""
