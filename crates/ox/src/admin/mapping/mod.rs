//! Changing `AttributeMapping.json` (ox-provisioning 8).
