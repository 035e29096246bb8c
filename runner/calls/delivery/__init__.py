"""Delivery in batches: requests wait until nothing more can be asked, then go out together."""
