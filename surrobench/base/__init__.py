"""The ground that every folder stands on: registries, options, files, columns, processes."""
