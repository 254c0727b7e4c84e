"""What surrounds the content of a page: head, navigation, banners, side bars, advertisements, footers, scripts.

Six layouts, so that no single rule removes all boilerplate: a blog, a documentation site, a wiki, a question-and-answer
site, a table layout of the nineties, and a plain page.
"""

import html
from dataclasses import dataclass

from mathcode_data.quickstart.forms import HEADS
from mathcode_data.quickstart.grammar import Draw

Link = tuple[str, str]


@dataclass(frozen=True)
class Frame:
    """All that a layout needs besides the content."""

    title: str
    content: str
    form: str
    """Formula encoding, or "" for none: decides which scripts the head loads."""
    language: str
    meta_charset: str
    """Encoding named in a meta element, or "" for none."""
    site: str
    menu: tuple[Link, ...]
    links: tuple[Link, ...]
    """Related pages."""


_WORDS = {
    "en": {
        "cookie": ("We use cookies to improve your visit. Read more in our privacy policy.",
                   "This site stores small files on your device. Do you agree?"),
        "accept": "Accept all", "refuse": "Only necessary", "related": "Related pages", "skip": "Skip to content",
        "footer": "All rights reserved. Imprint, Contact, Terms of use", "search": "Search this site",
        "ads": ("Advertisement: new office chairs, this week only", "Sponsored: learn to sail in ten days",
                "Advertisement: fresh coffee by post, first bag free", "Sponsored: a holiday flat by the sea"),
        "share": "Share this page: Facebook, Twitter, E-mail", "newsletter": "Sign up for our weekly newsletter",
    },
    "zh": {
        "cookie": ("本站使用Cookie来改善您的浏览体验。", "继续浏览即表示您同意我们的隐私政策。"), "accept": "同意", "refuse": "拒绝",
        "related": "相关文章", "skip": "跳到正文", "footer": "版权所有 联系我们 网站地图", "search": "站内搜索",
        "ads": ("广告：新鲜水果送货上门", "推广：周末特价旅游"), "share": "分享到：微博 微信", "newsletter": "订阅每周简报",
    },
}  # fmt: skip
_TRACKER = """<script>
(function () { var q = window._queue = window._queue || []; q.push(["page", location.pathname]); q.push(["price", "$0"]); })();
</script>"""
_STYLE = "<style>body { margin: 0 auto; max-width: 60em; font-family: serif; } .ad { border: 1px dotted #999; }</style>"


def _head(frame: Frame, extra: str = "") -> str:
    charset = f'<meta charset="{frame.meta_charset}">\n' if frame.meta_charset else ""
    return (
        f"<head>\n{charset}<title>{html.escape(frame.title)} - {frame.site}</title>\n"
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n{_STYLE}\n{extra}{HEADS.get(frame.form, "")}\n</head>'
    )


def _list(links: tuple[Link, ...]) -> str:
    return "\n".join(f'<li><a href="{href}">{html.escape(text)}</a></li>' for href, text in links)


def _cookie(frame: Frame, draw: Draw) -> str:
    words = _WORDS[frame.language]
    return (
        f'<div id="cookie-banner" class="cookie-consent" role="dialog"><p>{draw.pick(words["cookie"])}</p>'
        f"<button>{words['accept']}</button> <button>{words['refuse']}</button></div>"
    )


def blog(frame: Frame, draw: Draw) -> str:
    """A weblog with a side bar and an advertisement before the content."""
    words = _WORDS[frame.language]
    return f"""<!DOCTYPE html>
<html lang="{frame.language}">
{_head(frame)}
<body class="single single-post">
<a class="skip-link screen-reader-text" href="#content">{words["skip"]}</a>
<header class="site-header"><p class="site-title"><a href="/">{frame.site}</a></p>
<nav class="main-navigation"><ul class="menu">
{_list(frame.menu)}
</ul></nav></header>
<div class="ad">{draw.pick(words["ads"])}</div>
<main id="content"><article class="post hentry"><div class="entry-content">
{frame.content}
</div><div class="sharedaddy">{words["share"]}</div></article></main>
<aside class="widget-area"><section class="widget"><h3>{words["related"]}</h3><ul>
{_list(frame.links)}
</ul></section><section class="widget"><form role="search"><input type="search" placeholder="{words["search"]}"></form>
<p>{words["newsletter"]}</p></section></aside>
<footer class="site-footer">{words["footer"]}</footer>
{_cookie(frame, draw)}
{_TRACKER}
</body>
</html>
"""


def docs(frame: Frame, draw: Draw) -> str:
    """A documentation site with a table of contents on the left."""
    words = _WORDS[frame.language]
    return f"""<!DOCTYPE html>
<html lang="{frame.language}" dir="ltr">
{_head(frame)}
<body>
<nav class="navbar" role="navigation"><a class="brand" href="/">{frame.site}</a> <ul>
{_list(frame.menu)}
</ul></nav>
<div class="container"><div class="sidebar-toc" role="complementary"><p class="caption">{words["related"]}</p><ul>
{_list(frame.links)}
</ul></div>
<div class="document" role="main"><div class="section">
{frame.content}
</div></div></div>
<footer><div class="prev-next"><a href="{frame.links[0][0]}" rel="prev">{html.escape(frame.links[0][1])}</a></div>
<p>{words["footer"]}</p><p>Built with version {draw.integer(1, 6)}.{draw.integer(0, 30)}</p></footer>
{_TRACKER}
</body>
</html>
"""


def wiki(frame: Frame, draw: Draw) -> str:
    """A wiki with tools at the side and categories at the end."""
    words = _WORDS[frame.language]
    return f"""<!DOCTYPE html>
<html class="client-nojs" lang="{frame.language}" dir="ltr">
{_head(frame)}
<body class="mediawiki ltr ns-0 ns-subject">
<div id="mw-page-base" class="noprint"></div>
<div id="content" class="mw-body" role="main">
<div id="bodyContent" class="vector-body"><div id="contentSub"></div>
<a class="mw-jump-link" href="#mw-head">{words["skip"]}</a>
<div id="mw-content-text" class="mw-body-content"><div class="mw-parser-output">
{frame.content}
</div></div>
<div id="catlinks" class="catlinks"><ul>
{_list(frame.links)}
</ul></div></div></div>
<div id="mw-navigation"><h2>Navigation menu</h2><ul>
{_list(frame.menu)}
</ul><div id="p-tb">What links here, Related changes, Upload file, Permanent link, Page information</div></div>
<footer id="footer"><ul><li>This page was last edited on {draw.integer(1, 28)} May {draw.integer(2015, 2023)}.</li>
<li>{words["footer"]}</li></ul></footer>
</body>
</html>
"""


def forum(frame: Frame, draw: Draw) -> str:
    """A question-and-answer site."""
    words = _WORDS[frame.language]
    return f"""<!DOCTYPE html>
<html itemscope itemtype="https://schema.org/QAPage" class="html__responsive" lang="{frame.language}">
{_head(frame)}
<body class="question-page unified-theme">
<header class="s-topbar"><a href="/" class="s-topbar--logo">{frame.site}</a> <ol class="s-topbar--content">
{_list(frame.menu)}
</ol><a href="/private/login.html" class="s-btn" rel="nofollow">Log in</a></header>
<div class="container"><div id="left-sidebar" class="js-pinned-left-sidebar"><nav role="navigation">Public Questions Tags Users
Unanswered</nav></div>
<div id="content" class="snippet-hidden"><div id="mainbar" role="main">
{frame.content}
</div>
<div id="sidebar" role="complementary"><div class="s-sidebarwidget">Featured on Meta: results of the yearly survey</div>
<div class="module sidebar-related"><h4>{words["related"]}</h4><ul>
{_list(frame.links)}
</ul></div><div class="ad">{draw.pick(words["ads"])}</div></div></div></div>
{_cookie(frame, draw)}
<footer id="footer" class="site-footer">{words["footer"]}. Help, Chat, Mobile, Responsible Disclosure</footer>
</body>
</html>
"""


def old(frame: Frame, draw: Draw) -> str:
    """A page laid out with tables, as in 1999."""
    words = _WORDS[frame.language]
    menu = "<br>\n".join(f'<a href="{href}"><font size="2">{text}</font></a>' for href, text in frame.menu)
    related = " | ".join(f'<a href="{href}">{html.escape(text)}</a>' for href, text in frame.links)
    charset = f'<meta http-equiv="Content-Type" content="text/html; charset={frame.meta_charset}">\n' if frame.meta_charset else ""
    return f"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<html>
<head>
{charset}<title>{html.escape(frame.title)}</title>
{HEADS.get(frame.form, "")}
</head>
<body bgcolor="#ffffff" text="#000000" link="#0000cc">
<table width="100%" border="0" cellpadding="4"><tr><td width="150" valign="top" bgcolor="#eeeeee">
{menu}
<p>You are visitor number {draw.integer(1000, 99999)}</p></td>
<td valign="top">
{frame.content}
<hr>
<font size="1">[ {related} ]</font>
</td></tr></table>
<center><font size="1">{words["footer"]}. Best viewed with 800 x 600 pixels.</font></center>
</body>
</html>
"""


def plain(frame: Frame, draw: Draw) -> str:
    """A page as made by a document converter."""
    namespace = ' xmlns:mml="http://www.w3.org/1998/Math/MathML"' if frame.form == "mml_prefix" else ""
    generator = f'<meta name="generator" content="converter {draw.integer(1, 3)}.{draw.integer(0, 19)}">\n'
    return f"""<!DOCTYPE html>
<html lang="{frame.language}"{namespace}>
{_head(frame, generator)}
<body>
{frame.content}
<hr>
<p><a href="/">{frame.site}</a></p>
<ul>
{_list(frame.links)}
</ul>
</body>
</html>
"""


LAYOUTS = {"blog": blog, "docs": docs, "wiki": wiki, "forum": forum, "old": old, "plain": plain}
