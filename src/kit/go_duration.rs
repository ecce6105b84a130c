//! YAML as Go reads and writes it. Stub to be replaced.
