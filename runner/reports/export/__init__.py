"""Runs for other tools: OpenTelemetry traces and MLflow."""
