"""Why a relation was found: which words, which sentences, and what would change it."""
