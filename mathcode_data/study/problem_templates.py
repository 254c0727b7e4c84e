"""Templates of word problems, written for this study: stories for training, other stories for the test.

A template is a story with places for names, things and numbers, and what is done with the numbers, step by step. A step names
its result and says `left operator right`; operands are earlier names. Each template belongs to one of the shapes of computation that
training and test share, so that a test item asks for a known kind of computation in a story that was never seen.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Template:
    """One kind of word problem."""

    name: str
    shape: str
    """The computation's shape; training and test have the same ones."""
    story: str
    """With {who}, {other}, {thing} and the names of the numbers as places."""
    numbers: dict[str, tuple[int, int]]
    """Range of each number, both ends included."""
    steps: tuple[tuple[str, str, str, str], ...]
    """(result, left, operator, right); the last result is the answer."""


SUM, DIFFERENCE, PRODUCT = (("total", "a", "+", "b"),), (("left", "a", "-", "b"),), (("total", "a", "*", "b"),)
SUM_THEN_LESS = (("both", "a", "+", "b"), ("left", "both", "-", "c"))
PRODUCT_THEN_MORE = (("part", "a", "*", "b"), ("total", "part", "+", "c"))
PRODUCT_THEN_LESS = (("all", "a", "*", "b"), ("left", "all", "-", "c"))
TWO_PRODUCTS = (("first", "a", "*", "b"), ("second", "c", "*", "d"), ("total", "first", "+", "second"))

SMALL, LARGE = (2, 9), (10, 60)
TWO_LARGE = {"a": (61, 99), "b": LARGE}

TRAIN = (
    Template("apples", "sum", "{who} has {a} {thing}. {other} gives {who} {b} more. How many {thing} does {who} have now?",
             {"a": LARGE, "b": LARGE}, SUM),
    Template("boxes", "sum", "There are {a} {thing} in one box and {b} {thing} in another box. How many {thing} are there in all?",
             {"a": LARGE, "b": LARGE}, SUM),
    Template("gives-away", "difference", "{who} has {a} {thing} and gives {b} of them to {other}. How many {thing} are left?",
             TWO_LARGE, DIFFERENCE),
    Template("lost", "difference", "{who} had {a} {thing} but lost {b}. How many {thing} does {who} still have?", TWO_LARGE, DIFFERENCE),
    Template("bags", "product", "{who} buys {a} bags with {b} {thing} in each bag. How many {thing} does {who} buy?",
             {"a": SMALL, "b": SMALL}, PRODUCT),
    Template("rows", "product", "{who} lays out {a} rows of {b} {thing}. How many {thing} is that?", {"a": SMALL, "b": SMALL}, PRODUCT),
    Template("finds-then-loses", "sum-less", "{who} has {a} {thing}, finds {b} more and then loses {c}. How many {thing} remain?",
             {"a": LARGE, "b": LARGE, "c": SMALL}, SUM_THEN_LESS),
    Template("two-friends", "sum-less", "{who} has {a} {thing} and {other} has {b}. They sell {c} of them. How many are not sold?",
             {"a": LARGE, "b": LARGE, "c": SMALL}, SUM_THEN_LESS),
    Template("packs-and-loose", "product-more", "{who} has {a} packs of {b} {thing} and {c} loose ones. How many {thing} is that?",
             {"a": SMALL, "b": SMALL, "c": LARGE}, PRODUCT_THEN_MORE),
    Template("shelves", "product-more", "{a} shelves hold {b} {thing} each, and {c} {thing} lie on the table. How many are there?",
             {"a": SMALL, "b": SMALL, "c": LARGE}, PRODUCT_THEN_MORE),
    Template("baskets", "product-less", "{who} fills {a} baskets with {b} {thing} each, and {other} takes {c}. How many {thing} are left?",
             {"a": (4, 9), "b": (6, 9), "c": SMALL}, PRODUCT_THEN_LESS),
    Template("two-prices", "two-products", "{who} buys {a} pens at {b} coins and {c} books at {d} coins. How many coins does {who} pay?",
             {"a": SMALL, "b": SMALL, "c": SMALL, "d": SMALL}, TWO_PRODUCTS),
    Template("two-crates", "two-products", "{a} small crates hold {b} {thing} each and {c} big ones {d} each. How many {thing} in all?",
             {"a": SMALL, "b": SMALL, "c": SMALL, "d": SMALL}, TWO_PRODUCTS),
)  # fmt: skip
"""Stories to learn from."""

TEST_LARGE = (12, 70)
TEST = (
    Template("classes", "sum", "One class collected {a} {thing}, the next class {b}. Count the {thing} of both classes.",
             {"a": TEST_LARGE, "b": TEST_LARGE}, SUM),
    Template("library", "difference", "Of the {a} {thing} in a shop, {who} carries {b} home. How many stay in the shop?",
             {"a": (71, 120), "b": TEST_LARGE}, DIFFERENCE),
    Template("days", "product", "For {a} days {who} paints {b} {thing} a day. What is the number of painted {thing}?",
             {"a": (3, 11), "b": (3, 9)}, PRODUCT),
    Template("train", "sum-less", "A train carries {a} {thing}; {b} come on at one stop and {c} go off at the next. How many ride on?",
             {"a": TEST_LARGE, "b": TEST_LARGE, "c": (3, 11)}, SUM_THEN_LESS),
    Template("garden", "product-more", "In a garden {who} set {a} lines of {b} {thing}, and {other} set {c} by the gate. Count them.",
             {"a": (3, 11), "b": (3, 9), "c": TEST_LARGE}, PRODUCT_THEN_MORE),
    Template("bakery", "product-less", "A bakery makes {a} trays of {b} {thing} and sells {c} by noon. How many are there after noon?",
             {"a": (5, 11), "b": (6, 9), "c": (3, 11)}, PRODUCT_THEN_LESS),
    Template("tickets", "two-products", "{a} tickets cost {b} coins apiece, {c} maps {d} coins apiece. What does {who} spend in all?",
             {"a": (3, 11), "b": (3, 9), "c": (3, 11), "d": (3, 9)}, TWO_PRODUCTS),
)  # fmt: skip
"""Stories that no training text holds; numbers reach beyond the training ranges."""

PEOPLE = ("Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack", "Lena", "Max", "Nora", "Oscar", "Rosa", "Tom")
THINGS = ("apples", "stamps", "marbles", "shells", "cards", "coins", "nuts", "plums", "beads", "stones", "buttons", "flowers")
