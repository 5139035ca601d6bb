"""The Astalty API on this machine: a real server with a real database, for trying things and for tests."""
