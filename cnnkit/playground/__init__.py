"""The calculator as a page that needs no server: the analyser itself, in WebAssembly.

``calculator`` answers what the page asks; it runs in the page's worker, and in the tests without
one. ``web`` is the page, in plain modules. ``site`` puts both and what they need into a folder,
``server`` shows it on the loopback, ``vendor`` fetches what others made.
"""
