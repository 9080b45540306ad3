"""Adapters: one folder per outside system, each keeping a port's promise and nothing else."""
