"""HTML pages: report.html for a run, index.html for all runs under a root directory."""
