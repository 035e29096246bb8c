"""What is made of stored runs: reports, comparisons, live view, what-if, verification, exports."""
