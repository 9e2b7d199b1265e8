//! From the in queue to the out queues (id-connector 1).
