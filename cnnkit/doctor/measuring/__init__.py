"""This machine's rates, measured, for `cnnkit doctor --measure`.

``probes.py`` says what is measured, ``programs.py`` makes programs of it that train and predict,
``rates.py`` turns their seconds into the file of a machine.
"""
