"""A network at work on one example: what each layer makes of it, as numbers and as pictures.

``example`` reads the input, ``maps`` runs the network; ``tables`` and ``pictures`` show what comes.
"""
