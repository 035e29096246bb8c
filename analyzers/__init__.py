"""The analyzers that ship: NAME.md is the question, NAME.py the answer's shape and its reading."""

from analyzers._analyzer import find

__all__ = ["find"]
