//! What differs between directory, snapshots and OX (ox-provisioning 9.4).
