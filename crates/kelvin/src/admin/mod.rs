//! What an administrator does beside provisioning.
