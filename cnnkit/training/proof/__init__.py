"""Whether it works at all: a smoke run, one batch by heart, a run that is killed and resumed."""
