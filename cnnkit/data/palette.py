"""The colours of classes in masks: those of PASCAL VOC, which tools of segmentation share.

Source: `VOClabelcolormap` of the challenge's development kit (Everingham et al., 2010).
"""

from __future__ import annotations

from typing import Final

Colour = tuple[int, int, int]


def colour_of(number: int) -> Colour:
    """Red, green and blue of a class: its bits are dealt out to them in turn, the first highest.

    >>> colour_of(0), colour_of(1), colour_of(6)
    ((0, 0, 0), (128, 0, 0), (0, 128, 128))
    """
    channels = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            channels[channel] |= (number >> channel & 1) << (7 - bit)
        number >>= 3
    return channels[0], channels[1], channels[2]


PALETTE: Final = tuple(map(colour_of, range(256)))
"""The colours of 256 classes."""
