"""What class names and attributes say about an element: formula of which kind, noise, main content, hidden.

Pure functions of strings, cached, because pages repeat the same few hundred class attributes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from mathcode_data.stages.extract.captions import caption_kind
from mathcode_data.stages.extract.words import words

_KINDS = {
    "katex": "katex",
    "katex-display": "katex",
    "katex-html": "katex",
    "katex-mathml": "katex",
    "katex-error": "math",
    "mq-root-block": "mathquill",
    "mwe-math-element": "mwe",
    "mathjax_preview": "preview",
    "mathjax": "frame",
    "mathjax_svg": "frame",
    "mathjax_chtml": "frame",
    "mathjax_phtml": "frame",
    "mathjax_mathml": "frame",
    "mathjax_plainsource": "frame",
    "mjx-chtml": "frame",
    "mathjax_display": "display-frame",
    "mathjax_svg_display": "display-frame",
    "mathjax_chtml_display": "display-frame",
    "mathjax_mml_display": "display-frame",
    "mjx-full-width": "display-frame",
    "mjpage": "mjpage",
    "math-container": "forced",
    "math-tex": "forced",
    "arithmatex": "forced",
    "math-inline": "forced",
    "math-display": "forced",
    "math-block": "forced",
    "displaymath": "math",
    "wp-katex-eq": "source",
    "katex-eq": "source",
    "mathquill": "source",
    "mathquill-embedded-latex": "source",
    "mathquill-static-math": "source",
    "mq-latex": "source",
    "mq-selectable": "source",
    "latex-formula": "source",
    "ztext-math": "source",
    "render_latex": "source",
    "math": "math",
    "latex": "math",
    "tex": "math",
    "mathml-latex": "math",
    "asciimath": "asciimath",
}
_ORDER = ("preview", "display-frame", "frame", "katex", "mwe", "mjpage", "mathquill", "source", "forced", "asciimath", "math")

_NOISE = words(
    "nav navbar navigation navigation-menu menu mainmenu sidebar side-bar sidebar-left sidebar-right sphinxsidebar"
    " breadcrumb breadcrumbs footer site-footer page-footer global-footer cookie cookies cookie-banner cookie-notice"
    " cookie-consent consent gdpr advert advertisement ads ad adsbygoogle ad-container banner-ad sponsor sponsor-banner"
    " social social-share sharing share share-buttons sharedaddy addtoany related related-posts related-articles"
    " relatedposts jp-relatedposts recommended recommendations newsletter subscribe subscription signup popup modal"
    " overlay pagination pager page-nav post-navigation nav-links toolbar tooltip skip-link skip-links toc"
    " table-of-contents contents-list toctree-wrapper-nav md-sidebar md-header md-footer md-nav md-search md-tabs"
    " md-content__button page-metadata headerlink anchorjs-link mw-editsection noprint navbox vertical-navbox metadata"
    " mw-jump-link mw-indicators catlinks printfooter siteSub portal ambox reflist-nav post-menu js-post-menu votecell"
    " js-voting-container user-info post-signature js-vote-count comment-actions s-anchors bottom-notice"
    " js-sort-preference-change widget widget-area widgets wp-block-latest-posts tag-cloud tagcloud author-box"
    " post-meta entry-meta byline-share print-only screen-reader-text sr-only visually-hidden permalink rst-versions"
    " rst-footer-buttons wy-nav-side wy-nav-top bd-sidebar bd-header bd-footer prev-next-area relations headerbar"
    " footerbar copybtn copy-button btn-copy clipboard-copy crayon-nums-content crayon-toolbar hide-print edit-page edit-link github-link"
    " viewcode-link login login-form search search-form searchbox search-box language-switcher lang-switcher back-to-top"
    " navheader navfooter topbar top-bar site-header masthead-nav promo promotion outbrain taboola trc_related_container"
    " message-cell--user message-userdetails p-nav p-footer p-sectionlinks message-signature signature"
    " message-attribution message-actionbar bbcodeblock-expandlink js-quickreply similar_threads block--similarthreads"
    " table-of-contents-wrapper sectionlink contentinfo share-post post-share meta-social cat-links posted-on"
    " jp-inputprompt jp-outputprompt input_prompt output_prompt twitter-tweet instagram-media fb-post fb-xfbml-parse-ignore tiktok-embed"
    " comment-respond comment-form comments-pagination material-icons md-icon userinfo userinfo_extra username_container posthead"
    " postfoot vote votes threaded-replies comments-link js-add-link js-show-link bounty-link comment-score new-post-link show-votes"
    " mw-cite-backlink postprofile post-buttons tabbed-labels line-numbers-wrapper extra-services"
    " incontext md-skip skipnav skip-nav skip-navigation skip-to-content skip-to-main skip-content assistive"
    " post-likes crawler-linkback-list more-topics__list suggested-topics ltx_note_mark ltx_tag_note ltx_note_type ltx_role_footnotemark"
)
_NOISE_PATTERN = re.compile(
    r"(?:^|[-_])(?:sidebar|breadcrumbs?|cookie|news-?letter|advert(?:isement|ising)?|adsense|social|sharing|sharebar|paginat(?:ion|or)"
    r"|popup|modal|navbar|navmenu|submenu|dropdown|megamenu|footer-(?:nav|menu|links|widgets?|bottom|top|area)"
    r"|related|recommend(?:ed|ations?)|subscri(?:be|ption)|signup|promo|skip-?link|backtotop|shariff|sociable|share-?bar|print-?button"
    r"|(?:post|entry|article)-?(?:tags?|meta|ratings?)|post-?metadata|teaser-?(?:list|box)"
    r"|(?:author|about-?author|autor|writer)-?(?:box|bio|card|desc(?:ription)?|info|about|profile|details|block|vcard|avatar)"
    r"|author-?(?:wrapper|sources?)"
    r"|comments?-?(?:form|rules|policy|guidelines|count|add|link|reply-title)|no-?comments|also-?read|read-?also|paywall"
    r"|ad-?(?:wrapper|container|slot|unit|banner|disclosure)|affiliate(?:-?links?)?"
    r"|disclaimer|disclosure|(?:reading|read)-?time|time-?to-?read|third-?party-?services?|wp-embedded-content|recirculation"
    r"|(?:contact|kontakt)-?(?:box|card|teaser)"
    r"|press-?(?:contact|officer)|buy-?box|call-?to-?action|mailing-?list|tags?-?list|topic-?tags"
    r"|sd-rating|toc-container|ez-toc|privacy-embed|embed-privacy|donations?|donate|licen[cs]e-?info|most-?(?:read|popular|viewed)|popular-?posts|recent-?posts|read-?more-?(?:box|links?)|fact-?box"
    r"|post-?nav|article-?nav|language-?switch(?:er)?)"
    r"(?:$|[-_])"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CAMEL_NOISE = re.compile(r"(?:^|[-_])(?:newsletter|cookie|share-buttons?|print-button|author-box|comment-form|breadcrumbs?)(?:$|[-_])")
# Noise also in the middle of a sentence: marks beside headings, buttons on code, words for screen readers.
_ALWAYS_NOISE = words(
    "headerlink anchorjs-link permalink mw-editsection mw-jump-link skip-link skip-links copybtn copy-button btn-copy"
    " clipboard-copy screen-reader-text sr-only visually-hidden material-icons md-icon edit-link edit-page sectionlink"
    " comment-score js-add-link js-show-link bbcodeblock-expandlink viewcode-link noprint print-only md-content__button"
    " mw-cite-backlink post-likes incontext md-skip ltx_note_mark ltx_tag_note ltx_note_type ltx_role_footnotemark"
)
# Words that mark the page's frame: an element with one of these is never noise by its class.
_KEEP = words("content main article post-body entry-content body document has-sidebar post entry page container")
_MAIN = words(
    "main-content page-content post-content entry-content article-content article-body articlebody post-body story-body"
    " content-body mw-parser-output mw-content-text bodycontent markdown-body md-content md-content__inner ltx_document"
    " ltx_page_content rst-content td-post-content single-content blog-content node-content field-body documentwrapper"
    " body-content main_content maincontent content content-main content_main p-body-main mainbar post-text"
    " notion-page-content theme-doc-markdown article__body article__content c-article-body blogpost-body"
    " article-main articledetail content-article detail-content art-content blog_content baidu_pl"
)
_POSTS = words(
    "question answer js-post-body post-text postbody post_body post-message message-body messagecontent bbwrapper topic-post topic-body"
    " cooked richcontent-inner answer-content question-content answer-body question-body answeritem suggestedanswer acceptedanswer"
)
_ANYWHERE = words("comment-score bottom-notice votecell js-voting-container")
_SHOWN_ON_SOME = re.compile(r"(?:d-(?:xs|sm|md|lg|xl|xxl|print)-|(?:xs|sm|md|lg|xl|print):d-)(?!none)")
_OVERLAY = re.compile(r"cookie|consent|gdpr|modal|popup|overlay|dialog|comment-(?:form|respond)|privacy|signup|newsletter")
_HIDDEN = re.compile(r"display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden", re.I)


@lru_cache(maxsize=32_768)
def formula_kind(classes: str) -> str:
    """How an element with this class attribute carries a formula; "" for most."""
    found = {_KINDS[token] for token in classes.lower().split() if token in _KINDS}
    if not found:
        return ""
    return next(kind for kind in _ORDER if kind in found)


_NOISE_ROLES = words("navigation banner contentinfo search complementary dialog menu menubar tablist")


class Facts(NamedTuple):
    """What a class attribute, or an id, says of its element."""

    kind: str
    """How it carries a formula; "" for most."""
    processing: int
    """-1 where MathJax is told to ignore it, +1 where it is told to process it, else 0."""
    is_frame: bool
    """A word of the page's frame: the element is never noise by its name."""
    is_noise: bool
    is_main: bool
    """The name of a main container."""
    may_be_code: bool
    """A name of a plug-in that lays out code in boxes."""
    is_post: bool
    """One of several contributions to a page: a question, an answer, a post of a forum."""
    is_caption: bool
    """A name of captions and credits of pictures."""
    is_hidden: bool
    """`d-none`: the style sheet shows it on no screen, though a script may."""
    is_inline: bool
    """`d-inline`: a box in a line."""


NO_FACTS = Facts("", 0, False, False, False, False, False, False, False, False)


@lru_cache(maxsize=32_768)
def class_facts(classes: str) -> Facts:
    """All that a class attribute says, NO_FACTS itself where that is nothing; looked up for each element, pages repeat the same few."""
    found = id_facts(classes)._replace(
        kind=formula_kind(classes),
        processing=tex_processing(classes),
        may_be_code="syntaxhighlighter" in classes
        or "crayon" in classes
        or "js-file-line" in classes
        or classes.startswith(("container", "dp-")),
        is_caption=bool(caption_kind(classes)),
        is_hidden=_is_never_shown(classes.lower().split()),
        is_inline="d-inline" in classes and not {"d-inline", "d-inline-flex", "d-inline-block"}.isdisjoint(classes.split()),
    )
    return NO_FACTS if found == NO_FACTS else found


@lru_cache(maxsize=32_768)
def id_facts(names: str) -> Facts:
    """What an id, or the names in a class attribute, say of the place of an element on its page."""
    tokens = names.lower().split()
    is_noise = any(token in _NOISE or _NOISE_PATTERN.search(token) is not None for token in tokens)
    if not is_noise and not names.islower():
        is_noise = any(_CAMEL_NOISE.search(token) is not None for token in _CAMEL.sub("-", names).lower().split())
    is_frame = any(token in _KEEP for token in tokens)
    is_main, is_post = (any(token in known for token in tokens) for known in (_MAIN, _POSTS))
    return NO_FACTS._replace(is_frame=is_frame, is_noise=is_noise, is_main=is_main, is_post=is_post)


def _is_never_shown(tokens: list[str]) -> bool:
    """True for `d-none` of Bootstrap and its kin, unless another class shows the element on some screens."""
    return "d-none" in tokens and not any(_SHOWN_ON_SOME.match(token) is not None for token in tokens)


def is_noise_by_name(of_class: Facts, of_id: Facts, role: str) -> bool:
    """True for navigation, advertisements, sharing bars, side bars and the like, by name alone."""
    return role in _NOISE_ROLES or ((of_class.is_noise or of_id.is_noise) and not (of_class.is_frame or of_id.is_frame))


@lru_cache(maxsize=32_768)
def is_noise_in_sentence(classes: str) -> bool:
    """True for inline elements that are noise even with words beside them; other names may be a theme's own."""
    return any(token in _ALWAYS_NOISE for token in classes.lower().split())


@lru_cache(maxsize=32_768)
def is_noise_anywhere(classes: str) -> bool:
    """True for names that are noise on any element, also on a cell, a heading or a paragraph."""
    return not _ANYWHERE.isdisjoint(classes.lower().split())


@lru_cache(maxsize=32_768)
def is_overlay(names: str) -> bool:
    """True for what lies over the page, such as a cookie notice: its text is never the page's, however long."""
    return _OVERLAY.search(names) is not None


@lru_cache(maxsize=32_768)
def hides(style: str) -> bool:
    """True if an inline style hides its element."""
    return _HIDDEN.search(style) is not None


@lru_cache(maxsize=32_768)
def is_display(classes: str) -> bool:
    """True if the class names of a formula say that it stands on a line of its own."""
    return any(
        token in ("display", "katex-display", "math-display", "math-block", "displaymath", "js-display-math", "mjpage__block")
        or "display" in token
        or token.endswith("-block")
        for token in classes.lower().split()
    )


def tex_processing(classes: str) -> int:
    """-1 where MathJax is told to ignore an element, +1 where it is told to process it, else 0."""
    tokens = classes.split()
    if "tex2jax_process" in tokens or "mathjax_process" in tokens:
        return 1
    if "tex2jax_ignore" in tokens or "mathjax_ignore" in tokens or "no-mathjax" in tokens or "nomathjax" in tokens:
        return 0 if "hidden-content" in tokens or "knowl-content" in tokens else -1  # PreTeXt: processed when opened
    return 0
