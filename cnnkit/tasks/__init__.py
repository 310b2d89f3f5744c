"""What a network is asked for: the kinds of targets, and the metrics that each is judged by.

The ground floor: plain values and functions of them, which all other rooms may ask, and which load
no array library.
"""
