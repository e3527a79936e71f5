"""A small file of UIMA CAS XMI with its type system."""

from typing import Mapping

from .xmi_writer import TYPE_SYSTEM, TYPES


def _type(name: str, supertype: str, features: Mapping[str, str]) -> str:
    inner = "\n".join(
        f"<featureDescription><name>{feature}</name><rangeTypeName>{kind}</rangeTypeName>"
        "</featureDescription>"
        for feature, kind in features.items()
    )
    return (
        f"<typeDescription><name>{name}</name><supertypeName>{supertype}</supertypeName>\n"
        f"<features>{inner}</features></typeDescription>\n"
    )


SAMPLE = {
    "example.xmi": """\
<?xml version="1.0" encoding="UTF-8"?>
<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmi:version="2.0"
 xmlns:cas="http:///uima/cas.ecore" xmlns:custom="http:///webanno/custom.ecore"
 xmlns:ner="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore"
 xmlns:segmentation="http:///de/tudarmstadt/ukp/dkpro/core/api/segmentation/type.ecore">
<cas:NULL xmi:id="0"/>
<segmentation:Sentence xmi:id="2" sofa="1" begin="0" end="18"/>
<segmentation:Token xmi:id="3" sofa="1" begin="0" end="4"/>
<segmentation:Token xmi:id="4" sofa="1" begin="5" end="12"/>
<segmentation:Token xmi:id="5" sofa="1" begin="13" end="18"/>
<ner:NamedEntity xmi:id="6" sofa="1" begin="0" end="4" value="PER"/>
<ner:NamedEntity xmi:id="7" sofa="1" begin="13" end="18" value="ORG"/>
<custom:Relation xmi:id="8" sofa="1" begin="0" end="4" Governor="7" Dependent="6" value="founded_by"/>
<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="Jobs founded Apple"/>
<cas:View sofa="1" members="2 3 4 5 6 7 8"/>
</xmi:XMI>
""",
    TYPE_SYSTEM: '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>\n'
    + "".join(_type(name, *rest) for name, rest in TYPES.items())
    + "</types></typeSystemDescription>\n",
}
