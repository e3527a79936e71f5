"""Agreement between annotators of the same documents.

``documents`` matches the documents of annotators, ``pairs`` lists the pairs of mentions that can be
compared and how each annotator rates them. ``coefficients`` has Cohen's kappa, Fleiss' kappa and
Krippendorff's alpha, ``measures`` estimates F1 and coefficients of matched documents.
``disagreements`` lists what is left to adjudicate, ``merging`` keeps what annotators agree on.
"""

from .coefficients import cohen_kappa, fleiss_kappa, krippendorff_alpha

__all__ = ["cohen_kappa", "fleiss_kappa", "krippendorff_alpha"]
