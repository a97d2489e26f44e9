"""Draws simulated head MRI slices with exactly known tumors."""

from tumorscope.phantom.draw import Phantom, draw_pair, draw_phantom

__all__ = ["Phantom", "draw_pair", "draw_phantom"]
