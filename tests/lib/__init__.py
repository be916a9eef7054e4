"""Helpers of the end-to-end tests: a scheduler process, its clock, its tables."""
