"""Short lines that belong to the site and not to the page: "Share this", "Zurück zur Übersicht", "Photo: Reuters".

Only a whole paragraph or heading of a few words is ever dropped, never one with a formula, an item of a list, a cell or code.
"""

from __future__ import annotations

import re

MAX_LINE = 80

_CREDIT = (
    r"(?:[\(\[] *)?(?:photos?|photographs?|photo (?:by|credit)|image(?: credit| source)?|images?|picture|credits?|illustration"
    r"|foto(?:s|graf)?|bild(?:er|quelle|nachweis)?|titelbild|symbolbild|symbolfoto|grafik|imagen|crédit(?:o|os)?(?: photo)?"
    r"|crédits?|zdjęcie|fot|fotografie|quelle|fuente|fonte|источник|фото|图片来源|图源|图)(?: via| by| von| de| da)?"
    r" *(?:[:：©/.]|via|by|von|\|).{0,70}|©[^.!?]{2,60}|\((?:c|photo|foto|bild|quelle)[):][^.!?]{2,60}"
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
was this (?:page |article )?helpful\\?
sort by|sorted by|view (?:this )?post on .{2,20}|this is a migrated thread.{0,60}|start a topic|report|like|download(?:s| pdf)?
listen
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
分享|分享到.{0,20}|收藏|点赞|打赏|举报|评论|发表评论|全部评论|暂无评论|登录|注册|阅读全文
展开全文|查看更多|更多|上一篇.{0,60}|下一篇.{0,60}|返回顶部|返回首页|首页|关注|已关注|赞|踩
版权声明.{0,60}|本文链接.{0,60}|广告|推荐|标签:?|文章标签:?|分类专栏:?|转载|复制链接|扫一扫
シェア|コメント|コメントを残す|共有|広告
"""


def _pattern() -> re.Pattern[str]:
    phrases = "|".join(line for line in _SITE.strip().split("\n"))
    return re.compile(rf"(?:#{{1,6}} )?[^\w:：]{{0,3}}(?:{phrases}|{_CREDIT})[\W_]{{0,3}}", re.I)


_LINE = _pattern()


def is_site_line(block: str) -> bool:
    """True for a short paragraph or heading that every page of a site has.

    >>> is_site_line("## Share this"), is_site_line("Share prices rose"), is_site_line("(Foto: dpa)")
    (True, False, True)
    """
    return len(block) <= MAX_LINE and "\n" not in block and "\\" not in block and _LINE.fullmatch(block) is not None
