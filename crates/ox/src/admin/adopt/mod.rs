//! Taking over the data directory of an OX Connector.
