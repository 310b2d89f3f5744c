"""What the device computes: pure functions of explicit pytrees."""
