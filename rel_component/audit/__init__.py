"""An audit of annotated documents.

A check is a function that takes an :class:`.context.AuditContext` and returns a
:class:`.findings.Section`: tables, figures and findings. One file holds one family of them:
``counts``, ``schema_checks``, ``event_checks``, ``duplicates``, ``leakage``, ``label_noise``,
``name_bias``, and with a trained pipeline ``model_checks`` and ``name_groups``. ``report.run_audit``
runs them; ``html`` makes a page of what they return.
"""
