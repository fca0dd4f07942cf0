"""Fused training: many projects step together over one resident base, one UNet call a step, each exactly as if alone."""
