"""A pipeline behind HTTP: relations of texts, in batches of whatever requests are waiting."""

from ...packages import import_package

for _module in ("fastapi", "uvicorn", "prometheus_client"):
    import_package(_module, "serve")
