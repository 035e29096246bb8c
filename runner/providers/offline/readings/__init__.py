"""Readings: one module for each packaged analyzer's answer, and a generic one."""
