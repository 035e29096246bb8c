"""Layouts of plain text: rows, the layouts that may explain them, and the choice by evidence."""
