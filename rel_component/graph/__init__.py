"""Relations of many documents as one graph: merged, exported, stored and queried."""
