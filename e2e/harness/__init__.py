"""A server, people who drive it by its API, and people who drive it by the real command line."""
