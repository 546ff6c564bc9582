"""Patterns in which `*` stands for any text, as names of policies and values of claims are bound by."""

from __future__ import annotations


def fits_glob(pattern: str, text: str) -> bool:
    """Whether `text` fits `pattern`; everything but `*` stands for itself. Linear in both: no backtracking."""
    head, star, rest = pattern.partition("*")
    if not star:
        return pattern == text
    *middle, tail = rest.split("*")
    if len(text) < len(head) + len(tail) or not (text.startswith(head) and text.endswith(tail)):
        return False
    position, end = len(head), len(text) - len(tail)
    for part in middle:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True
