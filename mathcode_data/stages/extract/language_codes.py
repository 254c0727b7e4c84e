"""Language tags as pages write them, to ISO 639 codes: two letters where there are two, three for the few without."""

from __future__ import annotations

import re

from mathcode_data.stages.extract.words import words

# ISO 639-1, all 183.
TWO_LETTERS = words(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et"
    " eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl"
    " km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj"
    " om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to"
    " tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
# Languages of the web without a code of two letters.
THREE_LETTERS = words("ast arz azb bar bcl bho ceb ckb cmn dsb fil frr fur gsw haw hsb ilo kab lmo mai nap nds pnb sah scn szl vec war yue")
_FROM_THREE = dict(
    pair.split(":")
    for pair in words(
        "afr:af amh:am ara:ar aze:az bel:be ben:bn bos:bs bul:bg cat:ca ces:cs cze:cs chi:zh zho:zh cym:cy wel:cy dan:da deu:de ger:de"
        " ell:el gre:el eng:en epo:eo est:et eus:eu baq:eu fas:fa per:fa fin:fi fra:fr fre:fr gle:ga glg:gl guj:gu heb:he hin:hi hrv:hr"
        " hun:hu hye:hy arm:hy ind:id isl:is ice:is ita:it jpn:ja kan:kn kat:ka geo:ka kaz:kk khm:km kor:ko lao:lo lat:la lav:lv lit:lt"
        " ltz:lb mal:ml mar:mr mkd:mk mac:mk mlt:mt mon:mn msa:ms may:ms mya:my bur:my nep:ne nld:nl dut:nl nor:no nob:nb nno:nn pan:pa"
        " pol:pl por:pt ron:ro rum:ro rus:ru san:sa sin:si slk:sk slo:sk slv:sl spa:es sqi:sq alb:sq srp:sr swa:sw swe:sv tam:ta tel:te"
        " tha:th tgl:tl tur:tr ukr:uk urd:ur uzb:uz vie:vi yid:yi cmn:zh"
    )
)
# Countries written for languages, old codes and names. A code that is some other language's own is not here.
_MISUSED = dict(
    pair.split(":")
    for pair in words(
        "ua:uk cn:zh tc:zh hk:zh chs:zh cht:zh hans:zh hant:zh jp:ja cz:cs dk:da gr:el us:en gb:en at:de by:be ge:ka"
        " al:sq rs:sr yu:sr sh:sr ir:fa vn:vi sp:es mx:es pe:es cl:es ve:es iw:he il:he in:id ji:yi jw:jv kz:kk me:sr md:ro eg:ar"
        " english:en german:de deutsch:de french:fr francais:fr français:fr spanish:es espanol:es español:es italian:it italiano:it"
        " portuguese:pt russian:ru chinese:zh japanese:ja korean:ko dutch:nl polish:pl turkish:tr arabic:ar"
    )
)
# Two-letter codes that are both a small language's own and a country's of a large one: believed only if detection agrees.
AMBIGUOUS = words("br ch cu ee kr la ie se si tw ba")
_TAG = re.compile(r"[^\W\d_]{2,12}")


def normal_code(tag: str) -> str:
    """The language of a tag such as "en-US", "zh_CN", "ua" or "deu"; "" for one that names none.

    >>> [normal_code(tag) for tag in ("en-US", "ua", "jp", "deu", "zh-Hant-TW", "xx", "lan")]
    ['en', 'uk', 'ja', 'de', 'zh', '', '']
    """
    match = _TAG.match(tag.strip().lower())
    if match is None:
        return ""
    code = match[0]
    code = _MISUSED.get(code) or _FROM_THREE.get(code) or code
    return code if code in TWO_LETTERS or code in THREE_LETTERS else ""
