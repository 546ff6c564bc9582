"""Benchmarks: measured by hand or `make bench`, never part of the tests."""
