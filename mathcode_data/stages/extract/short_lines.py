"""Short lines that belong to the site and not to the page: "Share this", "Zurück zur Übersicht", "Photo: Reuters".

Only a whole paragraph or heading of a few words is ever dropped, never one with a formula, an item of a list, a cell or code.
"""

from __future__ import annotations

import re

from mathcode_data.stages.extract.telling import announces_other_pages

MAX_LINE = 80

_CREDIT = (
    r"(?:[\(\[] *)?(?:photos?|photographs?|photo (?:by|credit)|image(?: credit| source)?|images?|picture|credits?|illustration"
    r"|foto(?:s|graf)?|bild(?:er|quelle|nachweis)?|titelbild|symbolbild|symbolfoto|grafik|imagen|crédit(?:o|os)?(?: photo)?"
    r"|crédits?|zdjęcie|fot|fotografie|quelle|fuente|fonte|источник|фото|图片来源|图源|图)(?: via| by| von| de| da)?"
    r" *(?:[:：©/.]|via|by|von|\|).{0,70}|©[^.!?]{2,60}|\((?:c|photo|foto|bild|quelle)[):][^.!?]{2,60}"
)
_MONTH = (
    r"(?:jan(?:uary?|vier)?|feb(?:ruary?)?|février|mar(?:ch|s|zo)?|märz|mrz|apr(?:il)?|avril|abril|may|mai|mayo|june?|juni|juin|junio"
    r"|july?|juli|juillet"
    r"|julio|aug(?:ust)?|août|agosto|sept?(?:ember|embre)?|septiembre|o[ck]t(?:ober|obre|ubre)?|nov(?:ember|embre|iembre)?"
    r"|de[cz](?:ember)?|décembre"
    r"|diciembre|enero|febrero|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia)\.?"
)
DAY = (
    rf"(?:\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{4}}[./-]\d{{1,2}}[./-]\d{{1,2}}|\d{{4}} ?年 ?\d{{1,2}} ?月 ?\d{{1,2}} ?日"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\.? (?:de )?{_MONTH},? (?:de )?\d{{4}}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})"
)
_TIME = r"(?:(?:at|um|à|às|-|–|\||·|•|,)? ?\d{1,2}[:.h]\d{2}(?::\d{2})? ?(?:[ap]\.?m\.?|uhr|[a-z]{2,4})?)"
_DATE = (
    rf"(?:(?:published|updated|posted|last updated|last modified|date|stand|datum|veröffentlicht|aktualisiert"
    rf"|erstellt|publié|mis à jour|le|publicado"
    rf"|actualizado|pubblicato|发布时间|发表于)(?: on| am| le| el)?:? )?(?:[^\W\d_]{{2,12}}\.?,? )?{DAY}(?: ?{_TIME})?"
)
_SITE = """
share|share this|share this post|share this article|share (?:on|via) .{2,20}|share:|like it\\? share it!|be sociable, share!
like this:?|loading\\.\\.\\.
tweet|pin it|pin|e-?mail|e-?mail this|print|print this(?: page)?|print recipe|save|bookmark|follow us(?: on .{2,20})?
subscribe.{0,30}|sign up.{0,40}
sign in|log ?in|register|log in to .{2,30}|join now|read more|read more [»→>]|more|continue reading|view all|see all|show more
load more|learn more|click here
advertisement|advertisements|advertising|ad|sponsored|sponsored content|promoted|story continues below.{0,20}
article continues below.{0,20}
back to top|top|back|go back|back to .{2,30}|home|menu|search|close|skip to .{2,30}|previous|next|previous post|next post
previous article|next article
leave a comment|leave a reply|leave a reply cancel reply|post a comment|add a comment|comments|no comments(?: yet)?
comments are closed\\.?|\\d+ comments?
\\d+ responses?(?: to .{2,60})?|comment|reply|your email address will not be published\\.?.{0,40}|required fields are marked.{0,3}
post navigation
all rights reserved\\.?|copyright .{0,60}|filed under:?.{0,60}|tagged(?: with)?:?.{0,60}|tags?:?|categories:?|category:?
posted in.{0,60}|permalink
about the author|newsletter|cookie settings|privacy policy|terms of (?:use|service)|contact us|contact|rate this(?: .{2,20})?
was this (?:page |article )?helpful\\?|ask question
asked (?:today|yesterday|(?:[\\w,]+ ){1,6}ago)|modified (?:today|yesterday|(?:[\\w,]+ ){1,6}ago)
active (?:today|yesterday|(?:[\\w,]+ ){1,6}ago)|code: select all|by \\S{1,30} » .{6,40}
viewed [\\d.,]+[km]? times
sort by|sorted by|view (?:this )?post on .{2,20}|this is a migrated thread.{0,60}|start a topic|report|like|download(?:s| pdf)?
listen|(?:written|reviewed|edited|fact[- ]checked|medically reviewed) by.{0,60}
\\d+[- ]min(?:ute)?s?\\.? read|reading time.{0,30}|lesezeit.{0,30}
lesedauer.{0,30}|book now|buy now|order now|shop now|add to cart|add to wishlist|get started|get (?:a )?(?:free )?quote|request a demo
check (?:the )?(?:latest )?prices?(?: (?:at|on) .{2,30})?
see price (?:at|on) .{2,20}|(?:buy|view) (?:it )?(?:on|at|from) .{2,20}|visit (?:the )?website
read (?:our|the) (?:full )?review|jump to .{2,30}|reply to comment|show comments|hide comments|text link
teilen|beitrag teilen|artikel teilen|diese seite teilen|jetzt teilen!?|jetzt .{0,25}anmelden|kostenlos .{0,30}|drucken
rezept drucken|pinnen|merken|weiter|weiterlesen
mehr lesen|mehr erfahren|mehr|zurück|zurück (?:zu[mr]?|nach) .{2,30}|zur startseite|zu allen beiträgen|nach oben|startseite
anzeige|werbung|kommentare?
kommentieren|kommentar (?:schreiben|hinterlassen|verfassen)|schreibe einen kommentar|keine kommentare|bisher keine kommentare
\\d+ (?:kommentare?|antworten)(?: zu.{0,60})?
es gibt noch keine kommentare\\.?|schlagworte:?|schlagwörter:?|kategorien?:?|kontakt:?|newsletter.{0,30}|impressum|datenschutz
abonnieren|folgen sie uns.{0,20}
weitere informationen:?|weiterführende (?:informationen|links):?|weitere inhalte zu.{0,40}|quellen (?:aus|ein)blenden
empfehlungen aus der redaktion|erschienen in
war (?:der|dieser) artikel (?:nützlich|hilfreich)\\?|wie bewerten sie .{2,30}\\?|möchten sie den artikel teilen\\?
pressemitteilung als pdf|buch bestellen|zum shop
partager|partager cet article|partager sur .{2,20}|imprimer|commentaires?|laisser un commentaire|aucun commentaire|lire la suite
en savoir plus|publicité
retour|retour à .{2,30}|haut de page|accueil|mots[- ]clés:?|catégories?:?|permalien|suivez-nous.{0,20}|inscription à.{0,30}
contactez-nous
compartir|compartir en .{2,20}|comparte esta noticia|imprimir|comentarios?|deja un comentario|sin comentarios|seguir leyendo
ver más|publicidad|volver|inicio
etiquetas:?|categorías?:?|suscríbete.{0,30}|síguenos.{0,20}|contacto|condividi|stampa|commenti|lascia un commento|pubblicità
compartilhar|compartilhe|comentários
drukuj|udostępnij|reklama|komentarze|dodaj komentarz|źródło:?|поделиться|комментарии
оставить комментарий|реклама|печать|наверх|назад|вперёд
默认排序|按时间排序|关注问题|写回答|添加评论|分享|分享到.{0,20}|收藏|点赞|打赏|举报|评论|发表评论|全部评论|暂无评论|登录|注册
阅读全文|阅读更多
原创|转载自.{0,30}|来自专栏.{0,30}|文章标签.{0,70}|文章分类.{0,60}|分类专栏.{0,70}|返回列表|友情链接[:：]?|友情連結[:：]?|版权
展开全文|查看更多|更多|上一篇.{0,60}|下一篇.{0,60}|返回顶部|返回首页|首页|关注|已关注|赞|踩
版权声明.{0,60}|本文链接.{0,60}|广告|推荐|标签[:：]?|转载|复制链接|扫一扫|打开微信.{0,60}|使用.{0,3}扫一扫.{0,40}
シェア|コメント|コメントを残す|共有|広告
"""


_START = re.compile(r"(?:#{1,6} )?[^\w:：]{0,3}")


def _by_first_letter() -> dict[str, re.Pattern[str]]:
    """The phrases by the letter they begin with: nearly every line is told from all of them by one look."""
    groups: dict[str, list[str]] = {}
    for phrase in _split(_SITE.strip().replace("\n", "|")):
        for letter in "0123456789" if phrase.startswith("\\d") else phrase[0]:
            groups.setdefault(letter, []).append(phrase)
    return {letter: re.compile(rf"(?:{'|'.join(phrases)})[\W_]{{0,3}}", re.I) for letter, phrases in groups.items()}


def _split(phrases: str) -> list[str]:
    """The alternatives of a pattern: parts between bars that stand in no group."""
    parts, depth = [""], 0
    for sign in phrases:
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


_PHRASES = _by_first_letter()
_CREDIT_LINE = re.compile(rf"(?:#{{1,6}} )?[^\w:：]{{0,3}}(?:{_CREDIT})[\W_]{{0,3}}", re.I)
_CREDIT_LETTERS = frozenset("pictfbsgzqиф图")  # each credit without a © begins with one of them
_WORD_CHARACTER = re.compile(r"\w")
_NAME = r"[A-ZÀ-ÖØ-Þ][\w'’.-]{0,20}"
_BYLINE = re.compile(rf"(?:[Bb]y|BY|Von|Par|Por|Di) (?:{_NAME},? ){{1,3}}{_NAME}(?: (?:and|und|et|y|&) (?:{_NAME} ){{1,3}}{_NAME})?")
_BYLINE_LETTERS = frozenset("bBVPD")
_DIGIT = re.compile(r"\d")
_AGO = r"(?:today|yesterday|(?:[\w,]+ ){1,6}ago)"
_COUNT = rf"(?:(?:asked|modified|active|answered|edited) {_AGO}|viewed [\d.,]+[km]? times?)"
_COUNTER = re.compile(
    rf"(?:{_COUNT}(?:[\s.,·|•–-]{{1,4}}{_COUNT}){{0,3}}"
    r"|[\d.,]+ ?[万萬wk]? ?(?:人|个|個) ?(?:赞同|贊同|点赞|點讚|觉得有用|认为有用|收藏|关注|浏览)"
    r"了?(?:(?:该|此|这个|這個)?(?:回答|答案|文章|问题))?)"
    r"[\s.。]{0,2}",
    re.I,
)
_CHINESE_TOP = re.compile(
    r"(?:作者[:：]? ?)?(?:[^\s:：。，]{1,24} )?+(?:原创|转载|首次发布|最新推荐文章于|已于|发布|發布|发表|發表|修改|更新|编辑|編輯|时间"
    r"|時間|日期|最后|于|於|在"
    r"|(?:阅读|閱讀|浏览|瀏覽|访问|点击|评论|收藏|点赞|推荐)(?:量|数|次数|人数|时长)?|赞|本文字数|字数|分钟|约|次|篇|字|来源|版权声明"
    r"|版权|人|收起|展开|公開日|更新日|投稿日"
    r"|작성일|등록일|수정일|조회수?|\d[\d,.]*+ ?[wk万]?\+?|[\s·•|/,，、()（）年月日:：-])++",
    re.I,
)
_CHINESE_SIGN = re.compile(r"\d{4} ?[年./-] ?\d{1,2}|\d{1,2}:\d{2}|阅读|閱讀|浏览|瀏覽|收藏|点赞|조회|分钟")
_DATE_LINE = re.compile(rf"[^\w:：]{{0,3}}{_DATE}[\W_]{{0,3}}", re.I)


def is_site_line(block: str) -> bool:
    """True for a short paragraph or heading that every page of a site has.

    >>> is_site_line("## Share this"), is_site_line("Share prices rose"), is_site_line("(Foto: dpa)")
    (True, False, True)
    """
    if len(block) > MAX_LINE or "\n" in block or "\\" in block:
        return False
    start = _START.match(block)
    assert start is not None, "the pattern matches nothing at least"
    phrases = _PHRASES.get(block[start.end() : start.end() + 1].lower())
    if phrases is not None and phrases.fullmatch(block, start.end()) is not None:
        return True
    return _is_credit(block) or (block.startswith("#") and announces_other_pages(block.lstrip("# ")))


def _is_credit(block: str) -> bool:
    """True for "Photo: Reuters"; the first letter tells most lines from it."""
    first = _WORD_CHARACTER.search(block)
    may_be = (first is not None and first[0].lower() in _CREDIT_LETTERS) or "©" in block
    return may_be and _CREDIT_LINE.fullmatch(block) is not None


def is_counter(block: str) -> bool:
    """True for a line that counts the visits or votes of a post, which no author wrote, however short the page.

    >>> is_counter("Asked 5 years ago. Viewed 1k times"), is_counter("53 人赞同了该回答"), is_counter("Asked 5 people")
    (True, True, False)
    """
    return _COUNTER.fullmatch(block) is not None


def is_top_line(block: str) -> bool:
    """True for a line that holds nothing but a date, a name or how often it was read, as above an article.

    >>> is_top_line("Published: 3 May 2021, 08:30 Uhr"), is_top_line("By Ada Lovelace"), is_top_line("By induction")
    (True, True, False)
    >>> is_top_line("原创 最新推荐文章于 2025-04-29 18:28:01 发布"), is_top_line("约 3 分钟"), is_top_line("定理 2")
    (True, True, False)
    """
    if len(block) > MAX_LINE or block[-1:] in ("", "$", ")", "]", "}"):
        return False
    if block[0] in _BYLINE_LETTERS and _BYLINE.fullmatch(block) is not None:
        return True
    if _DIGIT.search(block) is None:
        return False
    if _DATE_LINE.fullmatch(block) is not None:
        return True
    return not block.isascii() and _CHINESE_SIGN.search(block) is not None and _CHINESE_TOP.fullmatch(block) is not None
