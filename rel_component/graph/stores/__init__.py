"""Embedded stores that answer queries: Oxigraph (SPARQL) and LadybugDB (Cypher)."""
