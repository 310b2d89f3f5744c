"""The architecture as a picture: maps as stacks, branches side by side, from left to right.

``parts`` says what is drawn, ``layout`` where; each of ``svg``, ``tikz`` and ``pdf`` paints the
same layout, and ``page`` has what opens on a click.
"""
