"""What one does to a running stack, local or in Docker: connect clients, see to its keys, usage, prices, traces, dashboards."""
