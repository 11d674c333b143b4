"""Studies on a Dask cluster: the same cells in the same guarded processes, on other machines.

``connection`` finds the scheduler, ``driver`` deals out units of work and takes records in,
``batches`` says which cells make a unit, ``member`` is what runs inside a Dask worker, ``job`` is
what these two tell each other, and ``tables`` brings data to workers that lack it.
"""
