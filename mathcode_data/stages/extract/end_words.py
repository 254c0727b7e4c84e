"""What the last lines of a page say that are about the page and no part of it: changed when, edit it here, by whom, under which licence.

Phrases of eleven languages, in lower case, read only on the few lines at the end (`end_matter.py`). A page that explains licences
or editing keeps its words: a sentence counts only where it speaks of "this page" or "this work", or where nearly all of it is a link.
"""

from __future__ import annotations

import re

from mathcode_data.stages.extract.short_lines import DAY

MAX_LINE = 400

_CHANGED = r"""
(?:th(?:is|e) )?(?:page|article|document|file|post|entry|content|site)?(?:'s)? ?(?:was |has been )?last[ -](?:updated?|modified
  |modification|edited|edit|changed?|revised|revision|reviewed|generated|commit)\b
most recent (?:change|update|edit)s?\b
(?:本(?:页面?|頁面?|文档?|文檔?|文章?|站))?(?:最近|最后|最後|上次|最新)(?:一次)?(?:更新|修改|编辑|編輯|修订|修訂|改动|提交|变更|變更)
  |(?:最后|最後|最近)(?:一次)?[于於] ?.{4,60}(?:更新|修改|编辑|編輯)
最終(?:更新|変更|編集)日?|更新日時?|最終閲覧
마지막(?:으로)? ?(?:수정|업데이트|편집|변경)|최종 ?(?:수정|업데이트|변경|편집)|최근 ?(?:수정|업데이트|변경)
(?:diese |die )?(?:seite )?(?:wurde )?(?:zuletzt|letztmals) (?:[ai]m .{3,40})?(?:geändert|aktualisiert|bearbeitet|überarbeitet)
letzte (?:änderung|aktualisierung|bearbeitung)\b
(?:la )?dernière (?:mise à jour|modification|édition|révision)\b|(?:cette )?page (?:a été )?(?:modifiée|mise à jour)\b
mise? à jour (?:le|:)
(?:la )?última (?:actualización|modificación|edición|revisión|atualização|alteração)\b
(?:esta )?página (?:fue )?(?:actualizada|modificada|editada)\b|esta página se editó
последн(?:ее|яя|ие) (?:обновлени|изменени|правк|редактировани)\w{1,3}\b|(?:эта )?страница (?:последний раз|была последний раз)
  |обновлено\b
отредактировано\b
ultim[oa] (?:modifica|aggiornamento|revisione)\b|laatst (?:bijgewerkt|gewijzigd)|ostatnia (?:aktualizacja|modyfikacja|zmiana)\b
"""
_DATED = (
    r"(?:updated|published|posted|created|modified|edited|written|更新|发布|發布|发表|發表|编辑|編輯|创建|创作|修改|公開日"
    r"|投稿日|作成日|公開"
    r"|작성일|수정일|업데이트|등록일|stand|aktualisiert|veröffentlicht|erstellt|geändert|publié|modifié|créé|mis à jour"
    r"|publicado|actualizado"
    r"|modificado|опубликовано|дата|обновлено|создано)"
)
_EDIT = r"""
(?:edit|improve|fix|view|show|see|fork|update|correct|star) (?:this|the|on|in|source|page)\b|edit (?:me|page)|page source
view (?:page )?source
suggest (?:an? )?(?:edit|change|improvement)s?\b|propose (?:an? )?(?:edit|change)s?\b|contribute to (?:this|the)\b|page history
revision history|history
(?:report|create|open|file|submit) (?:an? )?(?:\w{1,14} )?(?:issue|problem|bug|error|typo|mistake|feedback|request)s?\b
request (?:docs )?changes?
(?:give|send|provide|leave|share|submit) (?:us |your )?feedback\b|feedback|print this page|copy (?:link|page)
download (?:as )?(?:pdf|markdown|epub)
(?:在|于|於|到|通过|前往)? ?(?:github|gitlab|gitee|码云|git) ?(?:上|中|里|仓库)? ?(?:编辑|編輯|修改|查看|完善|改进|提交|反馈)
(?:编辑|編輯|修改|改进|完善|改善|查看|收藏|打印|列印)(?:此|本|这个|該|该|這個|当前|當前)?(?:页面?|頁面?|文档|文檔|文章|源码|源代码
  |源文件|更新历史|历史)
(?:帮助|幫助|协助)(?:我们|我們)?(?:改善|改进|改進|完善|編輯|编辑|修正)|报告(?:问题|错误)|(?:问题|错误|意见)?反馈|提交(?:反馈|问题
  |issue)
更新(?:历史|歷史|记录|日志)|修订(?:历史|记录)|页面历史|纠错|勘误|【纠错】
(?:この|本)?(?:ページ|記事|文書|ドキュメント)を(?:編集|改善|印刷)|(?:github|gitlab) ?(?:で|上で)|ソースを?(?:表示|見る)|(?:問題|誤り
  |間違い)を?報告|フィードバック
(?:이 )?(?:페이지|문서|글)를? ?(?:편집|수정|개선)|(?:github|gitlab|깃허브)에서|소스 ?보기|이슈 ?(?:제기|등록|보고)|피드백
(?:diese |die )?seite (?:auf \w{3,10} )?(?:bearbeiten|editieren|verbessern|drucken)|auf (?:github|gitlab) (?:bearbeiten|ansehen
  |anzeigen)
(?:quelltext|quellcode) (?:anzeigen|ansehen)|(?:problem|fehler) melden
(?:modifier|éditer|améliorer|corriger) (?:cette|cet|la|le|sur)\b|(?:signaler|rapporter) une? (?:problème|erreur|bug)
(?:voir|afficher) (?:la |le )?(?:code )?source|imprimer cette page
(?:editar|modificar|mejorar|edita|mejora) (?:esta?|la|en)\b|(?:informar|reportar|reporta|informa) (?:de |sobre )?un
ver (?:el )?(?:código )?fuente
(?:редактировать|изменить|править|улучшить|отредактировать) (?:эту|этот|страницу|статью|на|в)\b|сообщить об? (?:ошибке|опечатке
  |проблеме)
исходный (?:код|текст)
"""
_ASKED = r"""
(?:was|is|did|were) (?:this|the) (?:page|article|document|doc|content|answer|section|information|topic|post)?\b.{0,30}\b(?:help
  |helpful|useful|answer)\b.{0,30}\?
(?:found|spotted|noticed|see) (?:an? |any )?(?:error|mistake|typo|bug|problem|issue|something wrong)s?(?: (?:on|in|with) (?:this|the|our)
  (?:page|article|documents?|documentation|docs?|post|text|tutorial|content|site|code))?\?.{0,120}
was this helpful\??|did you find (?:this (?:\w{2,12} )?(?:helpful|useful)|what you).{0,30}\?
have (?:a |any )?(?:questions?|suggestions?|feedback|comments?)\b.{0,40}\?.{0,80}|help us (?:improve|make) .{0,80}
help improve this (?:page|article|document).{0,60}
(?:发现|發現|遇到)(?:了)?(?:错误|錯誤|问题|問題|文档有误|有误).{0,6}[?？].{0,60}
(?:此|本|这|這)(?:篇|个|個)?(?:页面?|文档|文章|頁面?|内容)?(?:对您|对你|對您)?(?:是否)?(?:有帮助|有幫助|有用)(?:吗|嗎|么)?.{0,30}
.{0,12}(?:役に立ち|参考になり)ましたか.{0,20}|.{0,16}도움이 (?:되었나요|되셨나요|됐나요).{0,10}|(?:fehler|tippfehler) (?:gefunden
  |entdeckt)\b.{0,100}
war (?:diese|dieser) (?:seite|artikel|information).{0,12}(?:hilfreich|nützlich).{0,30}
(?:vous avez trouvé )?une erreur.{0,40}\?.{0,80}|cette page (?:vous )?(?:a-t-elle|est-elle|a t-elle).{0,20}utile.{0,20}
¿?(?:has encontrado|encontraste|encontró|ves) (?:un|algún) error.{0,100}|¿(?:te|le|fue|ha sido)\b.{0,30}útil.{0,30}
(?:нашли|заметили|обнаружили|увидели) (?:ошибку|опечатку|неточность).{0,120}
(?:была ли )?(?:эта )?(?:страница|статья|информация) (?:была )?полезна.{0,20}|помогла ли вам.{0,40}
"""
_WHO = r"""
(?:page |article |document )?(?:contributors?|maintainers?|editors?|translators?|reviewers?|contributed by|translated by|reviewed by
  |edited by)
(?:本(?:页面?|頁面?|文档?|文章?|站)|文章)(?:的)?(?:贡献者|貢獻者|作者|译者|譯者)|贡献者|貢獻者|参与者|维护者|协作者|责任编辑|責任編輯
  |【?责任编辑|编辑|编校|校对|审核|来源|稿源
貢献者|コントリビューター|寄稿者|執筆者|기여자|mitwirkende|beitragende|contributeurs?|contribuidores?|colaborador(?:es)?|участники
  |контрибьюторы|соавторы
над статьёй работали
本文(?:标题|標題|链接|鏈接|地址|网址|作者|编号|字数)|文章(?:标题|链接|地址|作者|来源)|原文(?:链接|地址|标题)?|原始链接|原作者
  |永久链接|转载地址|博客(?:链接|地址)|post (?:title|author|link)|文章永久链接
许可协议|授权协议
"""
_MAYBE_WHO = (
    "authors?|written by|作者|译者|文|著者|筆者|翻訳|작성자|글쓴이|저자|번역|autor(?:en|in|innen|es|as?)?|auteurs?|авторы?"
    "|rédigé par|escrito por|geschrieben von"
)
_LICENCE = r"""
(?:unless|except|save)\b.{0,30}(?:noted|stated|specified|indicated)\b.{0,300}
(?:all |the |our |page |site |original )?(?:content|contents|texts?|materials?|documentation|docs|code samples?|posts?|articles?
  |source(?: code)?|images)(?: (?:on|of|in) (?:this|the) .{2,40}?)?,? (?:is|are|was|were|may be)? ?(?:\w{4,9} )?(?:available
  |licen[sc]ed|released|published|distributed|provided|copyright(?:ed)?|shared)\b.{0,250}
this (?:\S{1,20} ){0,3}?(?:work|page|site|website|article|post|book|document|documentation|content|text|material|tutorial|wiki|lesson
  |chapter|course|blog|notebook|image)\b.{0,60}(?:licen[sc]ed|copyright|released|available|published|distributed|shared)\b.{0,250}
本(?:页面?|頁面?|文章?|文档|文檔|站|作品|博客|网站|網站|書|书|教程|项目|專案|著作|系列|内容|blog)(?!.{0,12}(?:引用|译自|翻译|译|参考
  |转自|摘自|改编)).{0,50}?(?:采用|採用|遵循|遵守|基于|基於|以|使用|根据|依据|在|按|依).{0,80}
除.{0,30}(?:声明|聲明|说明|說明|注明|註明|标注|外).{0,180}
(?:この|本)(?:記事|作品|ページ|サイト|文書|コンテンツ|ウェブサイト|ブログ|ウィキ).{0,180}|特に(?:記載|明記|断り).{0,180}
(?:이|본) ?(?:저작물|글|문서|페이지|작품|콘텐츠|게시물|포스트|블로그|기사|사이트).{0,180}|별도.{0,20}(?:표기|명시).{0,160}
(?:dieser?|dieses|der|die|das|alle|sofern|soweit|wenn nicht|falls nicht)\b.{0,250}|(?:cette?|cet|ces|sauf|les?|tous?)\b.{0,250}
(?:est[eao]s?|salvo|excepto|el|los|todo|a menos que|contenido)\b.{0,250}
(?:эт[аои]т?|если не|содержимое|контент|материалы?|текст|все материалы|содержание)\b.{0,250}
"""
_LICENCE_WORD = re.compile(
    r"licen[sc]|creative commons|\bcc[ -]?(?:by|0)|public domain|copyright|gfdl|协议|協議|许可|許可|授权|授權|条款|條款|版权"
    r"|版權|知识共享|創用|ライセンス"
    r"|著作権|라이선스|라이센스|저작권|이용허락|lizen[zc]|licencia|лицензи|авторск|derechos|droits"
)
_RIGHTS = r"""
©(?=.{0,80}(?:\d{4}|copyright|rights|版权)).{0,200}|© ?\w[\w .,&-]{0,40}|\(c\) (?:\d{4}|copyright).{0,200}
copyright (?:©|\(c\)|\d{4}|by .{2,60}\d{4}|notice:|and licen).{0,200}|(?:all|some) rights reserved\b(?! (?:by|to) the\b).{0,80}
licen[sc]ed? ?(?:under|by|cc)\b.{0,200}|licen[sc]ed? ?:.{0,60}|published under .{0,80}licen[sc]e.{0,60}
(?:版权声明|版權聲明|版权所有|版權所有|著作权归|著作權歸|转载请|轉載請|转载声明|转载须知|转载自|转载本|未经(?:本站|作者|书面
  |本人)?(?:授权|许可|允许|同意)|商业转载|禁止转载|谢绝转载|如需转载|若要转载|欢迎转载|免责声明[:：]).{0,300}
版权(?:声明)?|許可|许可|license|licence|copyright|版权信息|版权与许可
無断(?:転載|複製).{0,40}|무단 ?전재.{0,60}|저작권자.{0,60}|alle rechte vorbehalten.{0,60}|tous droits réservés.{0,60}
todos los derechos reservados.{0,60}|все права защищены.{0,60}
при (?:копировании|перепечатке|цитировании|использовании) (?:материал|статьи|текст).{0,150}
(?:lizenz|licencia|licence|лицензия|라이선스|ライセンス) ?[:：].{0,150}
(?:京|津|沪|渝|冀|豫|云|辽|黑|湘|皖|鲁|新|苏|浙|赣|鄂|桂|甘|晋|蒙|陕|吉|闽|贵|粤|川|青|藏|琼|宁|桂)?(?:icp备|公网安备|icp证
  |网安备).{0,60}
"""
_BESIDE = r"""
(?:previous|prev|next(?! steps?\b)|newer|older)(?: (?:page|post|article|chapter|section|lesson|topic|entry|up|part))?s?\b
(?:上|下|前|后|後)(?:一|1)?(?:篇|页|頁|章|节|節|课|課|条|條|则|步)(?:文章|博文|日志)?
(?:前|次|前後)の(?:記事|ページ|投稿|章|トピック)|前へ|次へ|(?:新しい|古い|過去の)投稿|次ページ|前ページ|(?:이전|다음)(?: ?(?:글
  |페이지|포스트|문서|장|게시물))?\b
(?:vorherig|nächst|vorig|folgend)e[rs]?(?: (?:seite|beitrag|artikel|kapitel|abschnitt))?\b|zurück\b|weiter\b
(?:page |article |chapitre |section |billet )?(?:précédente?|suivante?)\b
(?:página |artículo |entrada |capítulo |tema )?(?:anterior|siguiente|próxim[oa])\b
(?:предыдущ|следующ)(?:ая|ий|ее|ие)(?: (?:статья|страница|запись|глава|раздел|пост|урок|тема))?\b|назад\b|вперёд\b|вперед\b|далее\b
(?:successiv|precedent)[oe]\b
"""
_FILED = (
    r"(?:tags?|tagged(?: (?:with|as|in))?|categor(?:y|ies)|topics?|labels?|filed (?:under|in)|posted in|keywords?"
    r"|(?:文章)?(?:标签|標籤|分类|分類)|归类|专栏|分类专栏|收录于"
    r"|关键词|關鍵詞|关键字|话题|タグ|カテゴリー?|キーワード|태그|카테고리|분류|schlagw[oö]rte?r?|kategorien?|stichworte"
    r"|étiquettes?|catégories?|mots[- ]clés|classé dans"
    r"|etiquetas?|categorías?|palabras clave|archivado en|метки|теги|рубрик[аи]|категори[ия]|ключевые слова)"
)
_MADE = r"""
(?:proudly )?(?:powered|hosted|maintained) by\b|(?:built|made|created|generated|rendered|published|designed) (?:with|by|using|on)\b
theme(?:d)?(?: by|:| -)|proudly
(?:由|本站由|网站由|本網站由|基于) ?.{0,40}(?:驱动|驅動|提供支持|构建|搭建|托管|生成)|主题(?: |:|：|-)|erstellt mit\b|propulsé par\b
  |créé avec\b|hecho con\b|creado con\b
работает на\b|создано с помощью\b
"""
_THANKS = r"""
(?:打赏|赞赏|赏|打赏作者|请我喝杯?咖啡|支持一下|捐赠|点个?赞|给作者).{0,20}|坚持原创.{0,40}|您的支持.{0,40}|欢迎(?:关注|扫码|订阅
  |打赏|点赞|分享).{0,60}|扫(?:码|描|一扫).{0,40}
微信(?:支付|公众号|扫一扫|赞赏|打赏)?|支付宝(?:打赏)?|长按.{0,40}
[-—=]*\W{0,4}本文(?:结束|完).{0,40}|(?:觉得|感觉).{0,20}(?:收藏|点赞|关注|打赏|推荐).{0,10}|感谢(?:您|你)?的?(?:阅读|观看
  |支持).{0,20}|点击(?:关注|阅读原文).{0,20}|关注(?:我|公众号|我们|作者|博主).{0,40}
(?:如果|若)(?:觉得|您|你|本文|这篇|文章).{0,50}(?:打赏|赞赏|点赞|关注|推荐|收藏|请我).{0,30}
posted @ ?\d{4}.{0,150}|posted (?:on|by|at) .{0,60}|【(?:关闭窗口|打印|大 中 小|字号).{0,60}|\[?(?:关闭窗口|打印本[页文稿])\]?.{0,40}
  |(?:好文要顶|关注我|收藏该文).{0,60}
展开(?:全部|阅读全文)?|收起(?:全文)?|阅读更多|阅读原文|继续阅读.{0,30}|查看原文|原文地址.{0,80}
share|share (?:this|on|via|to|with)\b.{0,30}|(?:一键)?分享(?:到|至|本文|给|此).{0,30}|分享|共有|シェア(?:する)?|공유(?:하기)?|teilen
(?:diesen )?(?:beitrag|artikel|seite) teilen|partager.{0,30}|compartir.{0,30}|поделиться.{0,30}
"""
_TALK = r"""
(?:网友|最新|用户|全部|精彩|热门|发表|發表|添加|查看|所有)?(?:评论|評論|留言)(?:区|區|列表|板|数)?\W{0,3}\d{0,5}\W{0,2}条?
  |\d{1,5} ?(?:条|則|个)(?:评论|留言|回复)|还没有评论|暂无评论
理性发言.{0,20}|写下你的评论.{0,6}|comments?(?: \(?\d{1,5}\)?)?|\d{1,5} (?:comments?|replies|responses?)|discussions?
join the (?:discussion|conversation).{0,20}
コメント(?:欄|一覧|する)?|댓글(?: ?\d{1,5}개?)?|комментарии(?: \(?\d{1,5}\)?)?|обсуждение|kommentare?(?: \(?\d{1,5}\)?)?
  |commentaires?|comentarios?
leave a (?:comment|reply).{0,20}|post (?:a )?comment|please enable javascript to view the comments.{0,40}|comments powered by.{0,20}
(?:proudly )?powered by .{2,40}
"""
_COUNTED = (
    r"(?:阅读|浏览|訪問|(?:添加|发表|写)评论|访问|点击|评论|点赞|收藏|推荐|转发|喜欢|分享|赞同|反对|赞|踩|顶|举报|关注|打赏"
    r"|回复|编辑|编辑于|发布于|字数|热度|总字数|本文字数|阅读时长|views?|likes?|reads?)"
    r"(?:量|数|次数|人数)?\W{0,3}(?:[\d.,]{1,9} ?[万wk]?\+?)?(?: ?(?:次|人|篇|条|分钟))?\W{0,4}"
)
_CLASSES = re.compile(
    r"(?:^|[-_])(?:(?:page|post|article|entry|doc|docs|content|blog|site|theme-doc)-?(?:copyright|footer|edit|licen[sc]e"
    r"|reward|nav|navigation|feedback"
    r"|tags|contributors?|declare|eof|updated?|last-?updated?|meta|pager)|copyright(?:-?info)?|creative-?commons"
    r"|cc-?licen[sc]e|licen[sc]e(?:-?(?:wrap|info|box|link))?"
    r"|last-?(?:updated?|modified|edited|change|mod)|git-?(?:revision-?date|info)|edit-?(?:this|page|link|meta|on)"
    r"|contributors?|reward(?:-?container)?"
    r"|prev-?next|pagination|pager|feedback|helpful|md-source-(?:file|date)|gitalk|gitment|valine|waline|utterances|giscus"
    r"|disqus|twikoo|vssue|powered-?by)(?:$|[-_])"
)


def _lines(phrases: str) -> str:
    """One pattern of the lines; a line that is set in goes on with the one above."""
    return phrases.strip().replace("\n  ", "").replace("\n", "|")


_ARROW, _MAX_ARROW = re.compile(r"^\W{0,2}(?:[←❮⟵]|[«‹<]+ )|(?:[→❯⟶]| [»›>]+)\W{0,2}$"), 120
_MAX_WEAK, _MAX_BARE = 80, 40
_MAX_UNDATED = 32
_BY = (
    r"(?:[\s,|·•/()\[\]–—-]*(?:by|at|in|um|am|von|auf|par|à|por|от|в|由|\d|utc|gmt|阅读|閱讀|浏览|评论|分类|作者|来源|edit|min|view|read|comment)"
    r"[^!?。]{0,40})?"
)
_MOMENT = re.compile(
    rf"{DAY}|\d{{1,2}}:\d{{2}}|\d.{{0,12}}(?:\bago\b|前|назад)|\b(?:vor|il y a|hace|há) \d|\d{{4}} ?[年/.-] ?\d{{1,2}}"
    r"|[a-zà-ÿа-я]{3,9}\.? \d{4}\W*$"
)
_SENTENCE_ENDS = (".", "。", "!", "?", "！", "？")
_SAYS_WHO = re.compile(rf"(?:{_lines(_WHO)}) ?[:：]")
_START = re.compile(r"[^\w©¿(【\[]{0,8}")
_ENDS = r"[\W_]{0,4}"
_SURE = re.compile(
    rf"(?:{_DATED}\b.{{0,12}}?(?:{DAY})(?!\d){_BY}|(?:{_lines(_WHO)}) ?[:：].{{0,300}}|{_lines(_ASKED)}|{_lines(_RIGHTS)}"
    rf"|{_FILED} ?[:：]?|{_lines(_THANKS)}|{_lines(_TALK)}|(?:{_COUNTED}){{1,8}}|{_DATED}(?:时间|時間|日期|于|於|:"
    rf"|：).{{0,6}}\d.{{0,60}}){_ENDS}"
)
_CHANGE = re.compile(rf"(?:{_lines(_CHANGED)}).{{0,110}}")
_LINKED = re.compile(
    rf"(?:(?:{_lines(_EDIT)}).{{0,60}}|(?:{_lines(_BESIDE)}).{{0,150}}|{_FILED}\b.{{0,200}}|(?:{_lines(_WHO)}).{{0,300}}"
    rf"){_ENDS}"
)
_LICENCES = re.compile(rf"(?:{_lines(_LICENCE)}){_ENDS}")
_MADE_WITH = re.compile(rf"(?:{_lines(_MADE)}).{{0,120}}{_ENDS}")
_WEAK = re.compile(
    rf"(?:{DAY}.{{0,20}}|[\d.,]{{1,9}} ?[万wk]?\+?|(?:{_MAYBE_WHO}) ?[:：]? .{{0,60}}|(?:{_MAYBE_WHO})[:：].{{0,60}}|yes|no"
    rf"|yes no|是 ?否?|否|ja|nein|ja nein|oui|non|oui non|sí|да|нет|はい|いいえ"
    rf"|예|아니요|menu|or|and|on|by|\|){_ENDS}"
)


def is_end_class(names: str) -> bool:
    """True for a class attribute or id that themes give to what stands below the text of a page."""
    return bool(names) and any(_CLASSES.search(token) is not None for token in names.lower().replace("__", "-").split())


def has_end_sign(text: str) -> bool:
    """True for a block of a class of themes that says what such blocks say: a date, a right, a licence; a sentence on the subject does not.

    >>> has_end_sign("Licensed under CC BY 4.0"), has_end_sign("Feedback returns part of the output to the input.")
    (True, False)
    """
    text = _clean(text)
    return len(text) <= _MAX_BARE or "©" in text or _LICENCE_WORD.search(text) is not None or _MOMENT.search(text) is not None


def is_end_line(text: str, link_chars: int) -> bool:
    """True for a line at the end of a page that speaks of the page itself; `link_chars` says how much of it is a link.

    >>> is_end_line("Last updated on 3 May 2021 by Ada", 0), is_end_line("本页面贡献者：OI-wiki", 0), is_end_line("Next we prove it.", 0)
    (True, True, False)
    >>> is_end_line("Next: Groups of small order", 20), is_end_line("Works under a licence may be copied.", 0)
    (True, False)
    """
    is_arrow = _ARROW.search(text) is not None
    text = _clean(text)
    if not 0 < len(text) <= MAX_LINE:
        return False
    is_dated = len(text) <= _MAX_UNDATED or _MOMENT.search(text) is not None
    if is_dated and _CHANGE.fullmatch(text) is not None:
        return True
    is_sentence = not link_chars and text.endswith(_SENTENCE_ENDS)
    if _SURE.fullmatch(text) is not None and not (is_sentence and _SAYS_WHO.match(text) is not None):
        return True
    if not link_chars and not text.startswith(("this ", "本")):
        return False
    if _LICENCE_WORD.search(text) is not None and _LICENCES.fullmatch(text) is not None:
        return True
    if 2 * link_chars >= sum(map(str.isalnum, text)) and ((is_arrow and len(text) <= _MAX_ARROW) or _LINKED.fullmatch(text) is not None):
        return True
    return link_chars > 0 and _MADE_WITH.fullmatch(text) is not None


def may_be_end_line(text: str, link_chars: int) -> bool:
    """True for a line that says nothing by itself: a date, a name, a link, a sign."""
    text = _clean(text)
    return (len(text) <= 2 and text.isascii()) or (
        len(text) <= 80 and (10 * link_chars >= 8 * len(text) or _WEAK.fullmatch(text) is not None)
    )


def _clean(text: str) -> str:
    text = " ".join(text.replace("’", "'").split()).lower()
    start = _START.match(text)
    assert start is not None, "the pattern matches nothing at least"
    return text[start.end() :]
