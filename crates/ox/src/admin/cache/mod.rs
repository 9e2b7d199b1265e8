//! The cache of internal ids in the snapshots, and the index over them (ox-provisioning 9.1–9.3).
