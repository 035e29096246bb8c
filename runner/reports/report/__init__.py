"""HTML pages: report.html for a run, index.html for all runs under a root directory."""

from runner.reports.report.write import leave_index as leave_index
from runner.reports.report.write import leave_report as leave_report
from runner.reports.report.write import write_index as write_index
from runner.reports.report.write import write_report as write_report
