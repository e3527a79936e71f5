"""The two formats of INCEpTION: WebAnno TSV 3.3 and UIMA CAS XMI."""
