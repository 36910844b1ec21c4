"""Many seeds of one configuration: a replicate's contract, the pool and engines that run it, statistics, ensembles."""
