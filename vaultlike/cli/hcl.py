"""Formatting of policy files: indentation by nesting, one blank around `=`, aligned equal signs, comments kept.

Works line by line on tokens and changes blanks only. Text that it cannot follow (a here-document, unbalanced
braces) is refused, not guessed.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|/\*.*?\*/|\#.*|//.*|[{}\[\]]|<<-?\w+|[^\s"{}\[\]\#/]+|\s+|/|"')
_ASSIGNMENT = re.compile(r'("(?:\\.|[^"\\])*"|[\w.-]+)\s*=\s*(.*)\Z')
_BLOCK = re.compile(r'(\w+(?:\s+"(?:\\.|[^"\\])*")*)\s*\{\Z')
_MAX_BLANK = 1


def formatted(text: str) -> str:
    """The formatted text. Raises ValueError with the line number when the text cannot be followed."""
    depth, blanks = 0, 0
    lines: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line:
            blanks += 1
            continue
        opened, closed, leading = _nesting(line, number)
        if lines and blanks:
            lines += [""] * min(blanks, _MAX_BLANK)
        blanks = 0
        depth -= leading
        if depth < 0:
            raise ValueError(f"line {number}: closing brace without an opening one")
        lines.append("  " * depth + _spaced(line))
        depth += opened - (closed - leading)
        if depth < 0:
            raise ValueError(f"line {number}: closing brace without an opening one")
    if depth:
        raise ValueError("a brace or bracket is never closed")
    return "\n".join(_aligned(lines)) + "\n" if lines else ""


def _nesting(line: str, number: int) -> tuple[int, int, int]:
    """Braces opened, braces closed, and how many of the closed ones lead the line."""
    opened = closed = leading = 0
    started = False
    for token in _TOKEN.findall(line):
        if token.startswith("<<"):
            raise ValueError(f"line {number}: here-documents are not formatted")
        if token == '"' or (token.startswith("/*") and not token.endswith("*/")):
            raise ValueError(f"line {number}: a text or comment does not end on its line")
        if token in "{[":
            opened += 1
        elif token in "}]":
            closed += 1
            leading += not started
        started = started or token not in "}]"
    if "/*" in re.sub(r'"(?:\\.|[^"\\])*"|/\*.*?\*/|#.*|//.*', "", line):
        raise ValueError(f"line {number}: a comment over several lines is not formatted")
    return opened, closed, leading


def _spaced(line: str) -> str:
    if line.startswith(("#", "//", "/*")):
        return line
    if block := _BLOCK.match(line):
        return " ".join(block[1].split()) + " {" if '"' not in block[1] else re.sub(r"\s+(?=\")", " ", block[1]) + " {"
    if assignment := _ASSIGNMENT.match(line):
        return f"{assignment[1]} = {assignment[2]}"
    return line


def _aligned(lines: list[str]) -> list[str]:
    """Equal signs of neighbouring one-line assignments with the same indentation in one column."""
    result: list[str] = []
    run: list[tuple[str, str]] = []

    def flush() -> None:
        width = max((len(key) for key, _ in run), default=0)
        result.extend(f"{key.ljust(width)} = {value}" for key, value in run)
        run.clear()

    for line in lines:
        body = line.lstrip()
        indent = line[: len(line) - len(body)]
        assignment = None if body.startswith(("#", "//", "/*")) else _ASSIGNMENT.match(body)
        single = assignment is not None and not assignment[2].endswith(("{", "["))
        if run and (not single or len(run[0][0]) - len(run[0][0].lstrip()) != len(indent)):
            flush()
        if assignment is not None and single:
            run.append((indent + assignment[1], assignment[2]))
        else:
            result.append(line)
    flush()
    return result
