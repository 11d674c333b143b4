"""Many networks as one."""
