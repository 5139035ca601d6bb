"""The Endpoint Dashboard: the OpenAPI document as one page for people, at `/docs`."""
