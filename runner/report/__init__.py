"""Pages that people look at: report.html for a run, index.html for all runs under a root."""

from runner.report.leave import leave_index as leave_index
from runner.report.leave import leave_report as leave_report
from runner.report.leave import write_index as write_index
from runner.report.leave import write_report as write_report
