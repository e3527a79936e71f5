"""Agreement between annotators of the same documents.

``documents`` finds out which documents are the same and what each annotator says of them, ``pairs``
which pairs of mentions can be compared and how each annotator rates them. ``coefficients`` are Cohen's
kappa, Fleiss' kappa and Krippendorff's alpha; ``measures`` takes all figures, with the intervals of
``figures``. ``disagreements`` lists what is left to adjudicate, ``merging`` keeps what is agreed.
"""
