"""The web pages of `sandbox serve`: the API Dashboard with its keys and the request history, at `/`."""
