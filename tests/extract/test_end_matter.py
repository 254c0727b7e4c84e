"""Lines at the end of a page that are about the page go, in every language and theme; the same words in its text stay."""

from __future__ import annotations

import re

import pytest

from mathcode_data.stages.extract.end_words import is_end_line
from mathcode_data.stages.extract.page import Scope, extract_page

PROSE = "The order of a subgroup divides the order of the group, since the cosets of the subgroup are all of the same size."
CHINESE = "子群的阶整除群的阶，因为子群的每个陪集所含的元素个数都相同，而这些陪集又恰好构成整个群的一个划分。"
LINK = '<a href="https://example.org/x">{}</a>'
CC = '<a rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/">{}</a>'

ENDS = {
    "mkdocs-material": '<aside class="md-source-file"><span class="md-source-file__fact"><span class="git-revision-date">May 3, 2022'
    '</span></span></aside><hr><div class="md-source-date"><small>Last update: <span class="git-revision-date-localized-plugin">May 3, 2022'
    '</span><br>Created: <span>June 1, 2020</span></small></div><h2 id="__comments">Comments</h2><div id="giscus"></div>',
    "mkdocs-chinese": '<hr><blockquote class="page-copyright"><span><i class="md-icon">build</i>本页面最近更新：</span><span>2021/3/4'
    "</span>，"
    '<a class="edit_history">更新历史</a><br><span>发现错误？想一起完善？ <a href="/edit">在 GitHub 上编辑此页！</a></span><br>'
    "<span>本页面贡献者：</span><span>Ada, Bob</span><br><span>本页面的全部内容在 "
    f"<strong>{CC.format('CC BY-SA 4.0')}</strong> 协议之条款下提供，附加条款亦可能应用</span></blockquote>"
    '<h2 id="c">评论</h2><form><div></div></form>',
    "mkdocs-chinese-without-names": "<hr><blockquote><p>本页面最近更新：2021/3/4<br>发现错误？想一起完善？ "
    f"{LINK.format('在 GitHub 上编辑此页！')}<br>本页面贡献者：Ada<br>本页面的全部内容在 {CC.format('CC BY-SA 4.0')} 协议之条款下提供"
    f"</p></blockquote>",
    "docusaurus": '<footer class="theme-doc-footer"><a>Edit this page</a></footer><div class="row"><div class="col">'
    '<a href="/e" target="_blank">Edit this page</a></div><div class="col lastUpdated_vwxv">Last updated on <b><time>Jan 5, 2023'
    "</time></b> by "
    "<b>Ada</b></div></div><div><a href='/a'><div>Previous</div><div>« Rings</div></a><a href='/b'><div>Next</div><div>Fields »</div>"
    "</a></div>",
    "docusaurus-chinese": '<div class="row"><a href="/e">编辑此页</a><span>最后于 <b>2023年1月5日</b> 由 <b>张三</b> 更新</span></div>'
    "<div><a href='/a'><div>上一页</div><div>环</div></a><a href='/b'><div>下一页</div><div>域</div></a></div>",
    "vuepress": f'<div class="meta"><div class="edit">{LINK.format("在 GitHub 上编辑此页")}</div><div class="when">'
    f'<span class="prefix">上次更新:'
    '</span> <span class="time">2022/3/4 上午10:00:00</span></div><div>贡献者: <span>Ada</span>, <span>Bob</span></div></div>'
    '<div class="n"><p class="inner"><span class="prev">← <a href="/a">环</a></span> <span><a href="/b">域</a> →</span></p></div>',
    "vitepress": f"<div><div>{LINK.format('Edit this page on GitHub')}</div><p>Last updated: <time>5/3/22, 4:12 PM</time></p></div>"
    f'<div><a class="pager-link" href="/a"><span class="desc">Previous page</span><span class="title">Rings</span></a></div>',
    "sphinx": '<div class="clearer"></div><p><a href="/a">Previous</a> | <a href="/b">Next</a></p><hr><p>© Copyright 2020, The authors. '
    "Last updated on May 03, 2022.</p><p>Built with <a href='/s'>Sphinx</a> using a <a href='/t'>theme</a> provided by "
    "<a href='/r'>Read the Docs</a>.</p>",
    "gitbook": "<div><a href='/a'><div>Previous</div><div>Rings</div></a><a href='/b'><div>Next</div><div>Fields</div></a></div>"
    "<div><p>Last updated <time>2 months ago</time></p><p>Was this helpful?</p></div>",
    "hugo-docsy": "<div class='text-muted'>Last modified May 3, 2022: <a href='/c'>Fix a typo (a1b2c3)</a></div><div><h2>Feedback</h2>"
    "<p>Was this page helpful?</p><p>Yes</p><p>No</p></div>",
    "hugo-chinese": '<div class="post-c"><p><span>文章作者</span><span>：张三</span></p><p><span>上次更新</span> <span>2020-03-04'
    "</span></p>"
    f"<p><span>许可协议：</span><span>{CC.format('CC BY-NC-ND 4.0')}</span></p></div>"
    f"<div>标签： {LINK.format('群论')} {LINK.format('代数')}</div>"
    '<nav><a href="/a">环</a></nav><div><a href="/b"><i></i>上一篇：环的定义</a><a href="/c">下一篇：域的扩张</a></div>',
    "jekyll": f"<div>Tags: {LINK.format('algebra')}, {LINK.format('groups')}</div><p>Categories: {LINK.format('maths')}</p>"
    "<p>Updated: May 3, 2022</p><h4>Share on</h4><p><a href='/t'>Twitter</a> <a href='/f'>Facebook</a></p>"
    "<div><a href='/a'>Previous</a><a href='/b'>Next</a></div>",
    "hexo-next": "<div>-------------本文结束感谢您的阅读-------------</div><div><div>坚持原创技术分享，您的支持将鼓励我继续创作！"
    "</div><div>打赏</div>"
    "<p>微信支付</p><p>支付宝</p></div><ul><li><strong>本文作者： </strong>张三</li><li><strong>本文链接：</strong>"
    f"<a href='/p'>https://example.org/p</a></li><li><strong>版权声明： "
    f"</strong>本博客所有文章除特别声明外，均采用 {CC.format('BY-NC-SA')} "
    f"许可协议。转载请注明出处！</li></ul><div>{LINK.format('# 群论')} {LINK.format('# 代数')}</div>"
    "<div><a rel='prev' href='/a'>环的定义与例子</a></div><div><a rel='next' href='/b'>域的扩张</a></div>",
    "wordpress": f"<p>Posted in {LINK.format('Algebra')}</p><p>Tagged {LINK.format('groups')}, {LINK.format('cosets')}</p>"
    f"<p>{LINK.format('← Older post about rings')}</p><p>{LINK.format('Newer post about fields →')}</p><h3>Leave a Reply</h3>",
    "csdn": "<div>版权声明：本文为博主原创文章，遵循 <a href='/l'>CC 4.0 BY-SA</a> 版权协议，转载请附上原文出处链接和本声明。</div>"
    "<div>本文链接：<a href='/a'>https://blog.example.org/a</a></div><ul><li>点赞 12</li><li>收藏 3</li><li>评论</li><li>分享</li>"
    "<li>举报</li></ul>"
    "<p>觉得还不错? 一键收藏</p>",
    "cnblogs": "<div><div>好文要顶 关注我 收藏该文</div></div><div>posted @ <span>2018-03-04 12:30</span>&nbsp;<a href='/u'>Ada</a>&nbsp;"
    "阅读(<span>123</span>)&nbsp;评论(<span>4</span>)&nbsp;<a href='/e'>编辑</a>&nbsp;<a href='/f'>收藏</a>&nbsp;举报</div>",
    "zhihu": "<div><a href='/t'>编辑于 2020-03-04 12:00</a></div>"
    "<div>著作权归作者所有。商业转载请联系作者获得授权，非商业转载请注明出处。</div>"
    "<div>赞同 12</div><div>3 条评论</div><div>分享 收藏 喜欢</div>",
    "traditional-chinese": "<p>最後更新：2021年3月4日</p><p>本頁貢獻者：Ada</p><p>除另有註明外，本站內容皆採用"
    f"{CC.format('創用CC 姓名標示')}授權條款。</p><p>上一頁：<a href='/a'>環的定義與例子</a></p>",
    "japanese": "<p>最終更新日: 2020年3月4日</p><p><a href='/e'>このページを編集</a></p><p>この記事は"
    f"{CC.format('クリエイティブ・コモンズ')}ライセンスの下に提供されています。</p><p><a href='/a'>前の記事 環とは何か</a></p>"
    f"<h2>コメント</h2>",
    "korean": "<p>마지막 수정: 2020-03-04</p><p><a href='/e'>이 페이지 편집</a></p><p>기여자: Ada</p><p>이 문서는 "
    f"{CC.format('CC BY-SA 4.0')} 라이선스에 따라 제공됩니다.</p><p><a href='/a'>이전 글 환의 정의와 예</a></p><h2>댓글</h2>",
    "german": "<p>Zuletzt geändert am 3. Mai 2020</p><p><a href='/e'>Diese Seite bearbeiten</a></p><p>Mitwirkende: Ada, Bob</p>"
    "<p>Dieses Werk ist "
    f"lizenziert unter einer {CC.format('Creative Commons Lizenz')}.</p><p><a href='/a'>Nächste Seite: Ringe und Ideale</a></p>"
    f"<h2>Kommentare</h2>",
    "french": "<p>Dernière mise à jour : 3 mai 2020</p><p><a href='/e'>Modifier cette page</a></p><p>Contributeurs : Ada</p>"
    "<p>Sauf mention "
    f"contraire, le contenu est sous licence {CC.format('CC BY-SA')}.</p><p><a href='/a'>Page suivante : les anneaux</a></p>"
    f"<h2>Commentaires</h2>",
    "spanish": "<p>Última actualización: 3 de mayo de 2020</p><p><a href='/e'>Editar esta página</a></p><p>Colaboradores: Ada</p>"
    "<p>Esta obra está "
    f"bajo una {CC.format('licencia de Creative Commons')}.</p><p><a href='/a'>Siguiente: los anillos</a></p><h2>Comentarios</h2>",
    "russian": "<p>Последнее обновление: 3 мая 2020</p><p><a href='/e'>Редактировать эту страницу</a></p><p>Участники: Ада</p>"
    "<p>Содержание доступно "
    f"по {CC.format('лицензии CC BY-SA')}.</p><p><a href='/a'>Следующая глава: кольца и поля</a></p><h2>Комментарии</h2>",
}


def read(body: str, **options: Scope) -> str:
    return extract_page(f"<html><body><main><article>{body}</article></main></body></html>".encode(), **options).text


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("sentences", [1, 6])
def test_what_a_theme_writes_below_a_page_goes(name: str, sentences: int) -> None:
    body = f"<h1>Groups</h1><p>{PROSE * sentences}</p><p>{CHINESE * sentences}</p>"
    assert read(body + ENDS[name]) == f"# Groups\n\n{PROSE * sentences}\n\n{CHINESE * sentences}"


@pytest.mark.parametrize("name", ENDS)
def test_the_same_lines_stay_where_text_follows_them(name: str) -> None:
    above, below = (read(f"<p>{PROSE * 4}</p>{end}<p>{CHINESE * 6}</p>") for end in ("", ENDS[name]))
    assert below.startswith(PROSE)
    assert below.endswith(CHINESE)
    assert len(below) >= len(above)


def test_with_boilerplate_they_stay() -> None:
    end = ENDS["mkdocs-chinese-without-names"]
    assert "本页面贡献者：Ada" in read(f"<p>{CHINESE * 6}</p>{end}", scope=Scope(boilerplate=True))


@pytest.mark.parametrize(
    "end",
    [
        "<p>Last updated: \\(x_{n+1} = x_n - 1\\)</p>",
        "<blockquote><p>Share this</p><p>$$a^2 + b^2$$</p></blockquote>",
        "<div class='page-footer'><p>Edit this page</p><p>\\(\\zeta(2)\\)</p></div>",
    ],
)
def test_a_line_with_a_formula_stays(end: str) -> None:
    page = extract_page(f"<script src=mathjax.js></script><main><p>{PROSE * 6}</p>{end}<p>Next</p></main>".encode())
    assert len(page.formulas) == 1
    assert page.formulas[0].latex in page.text.split("\n")[-1]


@pytest.mark.parametrize(
    "text",
    [
        "Works under a licence of this kind may be copied, and whoever changes them must say so.",
        "This page explains what each licence asks of those who copy a text.",
        "本文介绍了几种常见的开源许可协议之间的区别。",
        "本文部分引用自一篇博文，遵循 CC 4.0 BY-SA 版权协议。",
        "The previous lemma shows that this holds for all primes.",
        "Next we prove the theorem for abelian groups.",
        "Edit distance is a metric on the words of an alphabet.",
        "Last modified Gram-Schmidt steps are more stable than the first.",
        "Contributions of each term are bounded by the first one.",
        "上一章我们讨论了群的定义。",
        "评论者认为这个证明有误。",
        "推荐使用快速幂。",
        "分类讨论即可。",
        "由此可以构建一个群。",
        "Stand der Technik ist ein Verfahren mit linearer Laufzeit.",
        "Les auteurs montrent que la borne est optimale.",
    ],
)
def test_the_last_sentence_of_a_text_stays(text: str) -> None:
    assert not is_end_line(text, 0)
    assert read(f"<p>{PROSE * 4}</p><p>{text}</p>").endswith(text)


def test_the_last_item_of_a_list_stays_whatever_it_says() -> None:
    text = read(f"<p>{PROSE * 4}</p><ul><li>Open the menu of the calculator.</li><li>Share</li></ul>")
    assert text.endswith("- Open the menu of the calculator.\n- Share")


def test_a_page_of_nothing_else_keeps_its_lines() -> None:
    assert read("<p>Last updated: May 3, 2022</p><p>Edit this page</p>") == "Last updated: May 3, 2022\n\nEdit this page"


def test_a_licence_alone_under_a_title_stays_and_a_stub_loses_its_lines() -> None:
    licence = "This work is licensed under a Creative Commons licence."
    assert read(f"<h1>Groups</h1><h2>Colophon</h2><p>{licence}</p>") == f"# Groups\n\n## Colophon\n\n{licence}"
    assert read(f"<h1>Groups</h1>{ENDS['mkdocs-chinese']}") == "# Groups"


def test_lines_above_a_chinese_article_that_count_its_readers_go() -> None:
    top = "<p>原创 最新推荐文章于 2025-04-29 18:28:01 发布</p><p>· 2k 阅读</p><p>张三 发表于 2020-01-01 12:00</p><p>阅读量545 收藏 12</p>"
    assert read(f"<h1>群论</h1>{top}<p>{CHINESE * 6}</p>") == f"# 群论\n\n{CHINESE * 6}"
    kept = read(f"<h1>群论</h1><p>定理 2</p><p>例 1</p><p>在 2000 年</p><p>{CHINESE * 6}</p>")
    assert kept == f"# 群论\n\n定理 2\n\n例 1\n\n在 2000 年\n\n{CHINESE * 6}"


def test_a_date_or_name_goes_only_below_a_line_about_the_page() -> None:
    kept = read(f"<p>{PROSE}</p>" * 9 + "<p>Ada Lovelace</p><p>3 May 2021</p>")
    assert kept.endswith("Ada Lovelace\n\n3 May 2021")
    assert read(f"<p>{PROSE * 4}</p><p>Last updated by</p><p><a href=/a>Ada Lovelace</a></p><p>3 May 2021</p>").endswith(PROSE)


@pytest.mark.parametrize(
    "last",
    [
        '<section id="pagination"><h2>Pagination</h2><p>Results come in pages of 50. Pass the cursor to get the next.</p></section>',
        '<div id="feedback"><h2>Feedback</h2><p>Feedback returns part of the output to the input, which makes loops stable.</p></div>',
        '<p class="helpful">A helpful lemma: each element of order two is its own inverse in the group.</p>',
        "<p>Last revised by Cauchy in 1821, the definition stands.</p>",
        "<p>La dernière modification du théorème est due à Cauchy en 1821.</p>",
        "<p>Stand 31.12.2019: 83,2 Millionen.</p>",
        "<p>Written 29 May 1832, the letter holds the main results.</p>",
        "<p>Editors: vim, emacs and nano are found on every machine.</p>",
        "<p>来源：若 a、b 为正整数且互素，则存在整数 x、y，请证明。</p>",
        "<p>声明：int x; 定义一个变量 x，并为它分配内存。</p>",
        "<p>See an error in this proof that 1 = 2? Say in which step.</p>",
        "<p>Copyright by default belongs to the author of a text, also without notice.</p>",
        "<p>All rights reserved by the states are listed in the tenth amendment.</p>",
    ],
)
def test_what_only_sounds_like_the_end_of_a_page_stays(last: str) -> None:
    words = "".join(re.sub("<[^>]+>", " ", last).split())
    assert "".join(read(f"<h1>Groups</h1><p>{PROSE * 4}</p>{last}").split()).endswith(words)
