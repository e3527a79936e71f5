"""Words that say how a statement is meant: negation, attitude and reporting, by language.

Lemmas in lower case. A language that is not here has the morphology of its parser alone: negation
by ``Polarity=Neg``, and none of the verbs that report or that say that something shall be.
"""

from dataclasses import dataclass
from typing import Dict, FrozenSet, Mapping


def _set(words: str) -> FrozenSet[str]:
    return frozenset(words.split())


@dataclass(frozen=True)
class Words:
    """The words of one language.

    Attributes:
        negations: adverbs and determiners that negate their clause, and pronouns such as "nobody".
        without: prepositions that negate their complement.
        restrictions: words beside a negation that lift it: "not only".
        contrasts: conjunctions after which a negation no longer holds: "not Ann but Bob".
        possible: verbs and auxiliaries that make a statement possible.
        necessary: those that make it necessary.
        planned: those after which it shall be.
        failing: verbs of which the complement does not hold.
        doubting: verbs of which the clause is doubted, asked or denied.
        denying: those of which the clause does not hold, according to the subject.
        reporting: verbs whose clause is said or thought by the subject.
        hedges: adverbs that make a statement possible.
        conditions: conjunctions of clauses that need not hold.
        sources: first words of phrases that name a source: "according to".
        be: verbs that only join subject and complement, and auxiliaries of the passive.
        auxiliaries: lemmas of auxiliaries that say nothing but a tense.
        relatives: relative pronouns.
    """

    negations: FrozenSet[str] = frozenset()
    without: FrozenSet[str] = frozenset()
    restrictions: FrozenSet[str] = frozenset()
    contrasts: FrozenSet[str] = frozenset()
    possible: FrozenSet[str] = frozenset()
    necessary: FrozenSet[str] = frozenset()
    planned: FrozenSet[str] = frozenset()
    failing: FrozenSet[str] = frozenset()
    doubting: FrozenSet[str] = frozenset()
    denying: FrozenSet[str] = frozenset()
    reporting: FrozenSet[str] = frozenset()
    hedges: FrozenSet[str] = frozenset()
    conditions: FrozenSet[str] = frozenset()
    sources: FrozenSet[str] = frozenset()
    be: FrozenSet[str] = frozenset({"be"})
    auxiliaries: FrozenSet[str] = frozenset()
    relatives: FrozenSet[str] = frozenset()


_ENGLISH = Words(
    negations=_set(
        "not n't never no none nobody nothing neither nor hardly barely scarcely nowhere seldom "
        "rarely cannot"
    ),
    without=_set("without"),
    restrictions=_set("only just merely simply"),
    contrasts=_set("but"),
    possible=_set(
        "may might could can would seem appear try attempt able likely unlikely possible"
    ),
    necessary=_set("must should ought need have"),
    planned=_set(
        "will shall wo sha 'll ll plan intend want hope expect agree aim promise propose decide wish "
        "prepare pledge vow seek go about set due schedule offer threaten ready willing eager"
    ),
    failing=_set("fail refuse decline forget neglect cease stop avoid reluctant unable unwilling"),
    doubting=_set("doubt wonder ask question dispute whether if"),
    denying=_set("deny refute reject disprove"),
    reporting=_set(
        "say tell report claim announce state add believe think argue note suggest indicate explain "
        "estimate declare insist allege maintain predict warn acknowledge admit reveal write know "
        "assert suspect fear assume contend confirm observe feel expect hope mention agree consider "
        "reckon speculate conclude deny doubt wonder ask dispute find show hear remark testify stress"
    ),
    hedges=_set(
        "perhaps maybe possibly probably reportedly allegedly apparently supposedly presumably "
        "likely potentially purportedly seemingly"
    ),
    conditions=_set("if unless whether lest"),
    sources=_set("according"),
    be=_set("be"),
    auxiliaries=_set("have do be will shall get 've 's 'd"),
    relatives=_set("who whom which that what whose where when why whoever whatever"),
)

_FRENCH = Words(
    negations=_set("ne pas n' jamais aucun personne rien ni nul guère"),
    without=_set("sans"),
    restrictions=_set("seulement que"),
    contrasts=_set("mais"),
    possible=_set("pouvoir sembler paraître essayer tenter"),
    necessary=_set("devoir falloir"),
    planned=_set(
        "vouloir prévoir compter espérer aller accepter décider promettre envisager souhaiter proposer"
    ),
    failing=_set("refuser échouer oublier cesser éviter négliger"),
    doubting=_set("douter demander si contester"),
    denying=_set("nier démentir réfuter"),
    reporting=_set(
        "dire affirmer annoncer déclarer croire penser estimer expliquer indiquer préciser ajouter "
        "assurer soutenir prétendre rapporter révéler confirmer écrire savoir supposer admettre nier "
        "démentir douter demander juger noter"
    ),
    hedges=_set("peut-être probablement sans-doute apparemment vraisemblablement éventuellement"),
    conditions=_set("si"),
    sources=_set("selon d'après"),
    be=_set("être"),
    auxiliaries=_set("avoir être"),
    relatives=_set("qui que qu' dont où lequel laquelle lesquels lesquelles duquel auquel"),
)

WORDS: Mapping[str, Words] = {"en": _ENGLISH, "fr": _FRENCH}
"""The words of languages, by code."""

_OTHER: Dict[str, Words] = {}


def words_of(lang: str) -> Words:
    """The words of a language; those of one that is not known are empty.

    Args:
        lang: code of the language.
    """
    return WORDS.get(lang) or _OTHER.setdefault(lang, Words())
