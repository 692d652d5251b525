"""What tests stand on: processes on free ports, the scripted provider, and a collector of spans."""
