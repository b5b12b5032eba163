"""Loops over arrays that are compiled for the processor.

They know no tensors and no frames: the callers hand them arrays. Start with `pairs`.
"""

__all__: tuple[str, ...] = ()  # each caller imports the loop that it runs
