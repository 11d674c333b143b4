"""Published files: found, downloaded, verified and read."""
