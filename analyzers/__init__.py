"""The analyzers that ship: NAME.md is the question, NAME.py the shape of the answer."""

from analyzers._analyzer import find

__all__ = ["find"]
