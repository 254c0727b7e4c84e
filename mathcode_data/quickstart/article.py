"""The body of a page before it is HTML: an article of blocks, or a thread of posts."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from mathcode_data.quickstart.writer import Writer


class Block(NamedTuple):
    """A piece of an article: `h2`, `p`, `ol`, `ul`, `table` (cells separated by tabs) or `pre`."""

    kind: str
    lines: tuple[str, ...]


def heading(text: str) -> Block:
    """A heading of the second level."""
    return Block("h2", (text,))


def paragraph(text: str) -> Block:
    """A paragraph."""
    return Block("p", (text,))


@dataclass(frozen=True)
class Article:
    """A title and its blocks."""

    title: str
    blocks: tuple[Block, ...]

    def html(self, writer: Writer) -> str:
        """The article as HTML, without any frame."""
        return "\n".join([writer.heading(self.title, 1), *(_block_html(writer, block) for block in self.blocks)])


class Post(NamedTuple):
    """A question or an answer in a thread."""

    author: str
    date: str
    votes: int
    blocks: tuple[Block, ...]
    comments: tuple[tuple[str, str], ...]
    """(author, text) of the remarks below the post."""
    is_accepted: bool = False


@dataclass(frozen=True)
class Thread:
    """A question with its answers, in the markup of a question-and-answer site."""

    title: str
    tags: tuple[str, ...]
    posts: tuple[Post, ...]

    def html(self, writer: Writer) -> str:
        """The thread as HTML: the question, then the answers in the order of the site."""
        tags = "".join(f'<a href="/tagged/{tag}" class="post-tag" rel="nofollow">{tag}</a> ' for tag in self.tags)
        question, *answers = self.posts
        out = [
            f'<div id="question-header">{writer.heading(self.title, 1)}</div>',
            f'<div class="question" data-position-on-page="0" id="question">{_post_html(writer, question)}'
            f'<div class="post-taglist">{tags}</div></div>',
            f'<div id="answers"><h2 class="mb0">{len(answers)} Answers</h2>',
        ]
        for number, answer in enumerate(answers):
            accepted = " accepted-answer" if answer.is_accepted else ""
            out.append(f'<div id="answer-{number + 1}" class="answer{accepted}">{_post_html(writer, answer)}</div>')
        return "\n".join([*out, "</div>"])


def _post_html(writer: Writer, post: Post) -> str:
    mark = '<div class="js-accepted-answer-indicator" title="accepted">&#10003;</div>' if post.is_accepted else ""
    body = "\n".join(_block_html(writer, block) for block in post.blocks)
    comments = "\n".join(
        f'<li class="comment"><span class="comment-copy">{writer.inline(text)}</span> &ndash; '
        f'<a href="/users/{author}" class="comment-user">{author}</a></li>'
        for author, text in post.comments
    )
    notes = f'<ul class="comments-list">\n{comments}\n</ul>' if comments else ""
    return (
        f'<div class="post-layout"><div class="votecell"><button aria-label="Up vote">&#9650;</button>'
        f'<div class="js-vote-count" data-value="{post.votes}">{post.votes}</div>'
        f'<button aria-label="Down vote">&#9660;</button>{mark}</div>\n'
        f'<div class="postcell"><div class="s-prose js-post-body">\n{body}\n</div>\n'
        f'<div class="post-signature"><span class="relativetime">{post.date}</span> '
        f'<a href="/users/{post.author}">{post.author}</a> <span class="reputation-score">{post.votes * 37 + 11}</span>'
        f"</div></div>\n{notes}</div>"
    )


def _block_html(writer: Writer, block: Block) -> str:
    if block.kind == "p":
        return writer.paragraph(block.lines[0])
    if block.kind in ("ol", "ul"):
        return writer.items(block.kind, block.lines)
    if block.kind == "table":
        return writer.table(block.lines)
    if block.kind == "pre":
        return writer.code("\n".join(block.lines))
    assert block.kind == "h2", f"a block has the kind {block.kind!r}; known are h2, p, ol, ul, table and pre"
    return writer.heading(block.lines[0], 2)


def without_block(article: Article, index: int) -> Article:
    """The same article with one block left out."""
    return replace(article, blocks=article.blocks[:index] + article.blocks[index + 1 :])
