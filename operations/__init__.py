"""What one does to a running stack, local or in Docker: its keys, its usage, its prices, its traces, its dashboards."""
