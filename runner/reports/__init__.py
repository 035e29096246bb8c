"""Views of stored runs: reports, comparisons, live view, what-if, verification, exports."""
