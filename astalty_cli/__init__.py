"""The API Dashboard of an Astalty account, on the command line."""

__version__ = "0.1.0"
