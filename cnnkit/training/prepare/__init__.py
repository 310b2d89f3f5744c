"""What comes before the first step: the device, the material, what `auto` and `find` stand for."""
