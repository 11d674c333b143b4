"""The conformance kit: contracts that a plug-in author can run against their own parts."""
