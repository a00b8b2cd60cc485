"""Work done by several processes, here or elsewhere: a cluster of Dask's as a `Pool`."""
