"""Shipped for tests: fakes, cloud emulators and conformance suites. Nothing at run time imports it."""
