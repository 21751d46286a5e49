"""Calls of real peers through NATs, firewalls and lossy links, each run in
network namespaces of its own. See docs/connectivity.md."""
