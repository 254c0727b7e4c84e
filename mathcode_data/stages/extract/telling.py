"""Headings that announce other pages: "Related articles", "Das könnte Sie auch interessieren", "相关阅读"."""

from __future__ import annotations

import re

MAX_HEADING = 60

_ENGLISH_FIRST = (
    "related|more|other|latest|recent|popular|trending|top|featured|similar|suggested|recommended|further|up next|read next|keep reading"
    "|continue reading|most popular|most read|most recent|most viewed|editor'?s'? picks?|what to read next|read this next"
    "|also read|read also|see more|read more|don't miss|in case you missed it|you might like|more like this"
)
_ENGLISH_THEN = (
    "articles?|posts?|stories|news|reads?|reading|headlines|content|links|topics|threads?|products|coverage|items|pages|questions|blogs?"
    "|now|like this|for you|from *|in *|on *"
)
# `*` stands for up to forty characters of one sentence.
_OTHERS = """
you may also *|you might also *|you could also *|you will also *|you'll also *|people also *|next article|next post|next story
mehr|mehr zum thema|mehr aus *|mehr von *|mehr zu *|mehr über *|mehr artikel*|mehr nachrichten*|das könnte sie *|das könnte dich *
das könnte ihnen *|das könnte euch *|ähnliche *|weitere artikel*|weitere beiträge*|weitere themen*|weitere nachrichten*
weitere meldungen*|weitere news*|verwandte *|passend dazu|passend zum thema|auch interessant|lesen sie auch|lesen sie mehr*
meistgelesen*|meist gelesen|neueste artikel|neueste beiträge|neueste kommentare|beliebte artikel|beliebte beiträge|empfohlen*
article similaire|articles similaires|articles liés|articles connexes|articles récents|à lire aussi|lire aussi|sur le même sujet
sur le même thème|les plus lus|à voir aussi|vous aimerez aussi
artículos relacionados|artículos recientes|noticias relacionadas|noticias recientes|entradas relacionadas|entradas recientes
contenido relacionado|contenidos relacionados|relacionados|relacionadas|te puede interesar|también te puede *|lo más leído
lo más visto|lo más popular|más noticias|más leídas?|más información|lea también|leer más
articoli correlati|articoli recenti|articoli simili|leggi anche|potrebbe interessarti|potrebbe interessarti anche
artigos relacionados|posts relacionados|notícias relacionadas|leia também|leia mais|veja também|mais lidas
gerelateerde artikelen|gerelateerde berichten|meer artikelen|meer berichten|lees ook|läs också|läs mer|läs även|relaterade artiklar
les også|læs også|relaterede artikler|lue myös|powiązane artykuły|czytaj także|czytaj też|czytaj więcej|przeczytaj także
przeczytaj też|zobacz także|zobacz też|polecane|podobne *|inne artykuły *
читайте также|похожие статьи|похожие записи|похожие материалы|по теме|другие новости|ещё по теме|схожі *|читайте також
benzer yazılar|benzer haberler|benzer konular|ilgili haberler|ilgili yazılar
相关文章|相关阅读|相关推荐|相关新闻|相关内容|相关链接|相关问题|推荐阅读|推荐文章|延伸阅读|猜你喜欢|猜你感兴趣|您可能喜欢|你可能感兴趣
您可能感兴趣|友情链接|友情連結|相关标签|热门标签|热门文章|热门推荐|热门新闻|最新文章
最新新闻|更多文章|更多推荐|更多精彩|更多新闻|相關文章|相關閱讀|相關新聞|延伸閱讀|推薦閱讀|関連記事|関連リンク|関連ページ|おすすめ記事
あわせて読みたい|人気記事|最新記事|관련 기사|관련기사|관련 글|추천 기사
"""


def _pattern(phrases: str) -> str:
    return phrases.replace("*", "[^.!?]{0,40}")


def _by_first_letter() -> dict[str, re.Pattern[str]]:
    """The phrases by the letter they begin with: nearly every heading is told from all of them by one look."""
    then = f"(?: (?:{_pattern(_ENGLISH_THEN)}))?"
    phrases = [phrase + then for phrase in _ENGLISH_FIRST.split("|")]
    phrases += [_pattern(phrase) for line in _OTHERS.split("\n")[1:-1] for phrase in line.split("|")]
    groups: dict[str, list[str]] = {}
    for phrase in phrases:
        groups.setdefault(phrase[0], []).append(phrase)
    return {letter: re.compile(rf"(?:{'|'.join(group)})\W{{0,6}}", re.I) for letter, group in groups.items()}


_TELLING = _by_first_letter()
_BEFORE = re.compile(r"\W{0,4}")


def announces_other_pages(text: str) -> bool:
    """True for a short text that says of what follows that it leads to other pages.

    >>> announces_other_pages("Related articles:"), announces_other_pages("Related rates and derivatives")
    (True, False)
    """
    text = " ".join(text.split()).replace("’", "'")
    if not 0 < len(text) <= MAX_HEADING:
        return False
    start = _BEFORE.match(text)
    assert start is not None, "the pattern matches nothing at least"
    phrases = _TELLING.get(text[start.end() : start.end() + 1].lower())
    return phrases is not None and phrases.fullmatch(text, start.end()) is not None
