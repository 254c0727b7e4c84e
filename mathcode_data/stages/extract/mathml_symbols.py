r"""Unicode characters of mathematics and the LaTeX commands that draw them."""

from __future__ import annotations

import unicodedata

from mathcode_data.stages.extract.words import words


def _table(source: str) -> dict[str, str]:
    """Read "character command" pairs."""
    words = source.split()
    return {words[i]: "\\" + words[i + 1] for i in range(0, len(words), 2)}


GREEK = _table(
    "α alpha β beta γ gamma δ delta ε varepsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu ξ xi π pi"
    " ρ rho ς varsigma σ sigma τ tau υ upsilon φ varphi χ chi ψ psi ω omega ϑ vartheta ϕ phi ϖ varpi ϱ varrho ϵ epsilon"
    " ϰ varkappa µ mu Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega Ω Omega ϝ digamma"
    " ∆ Delta"
)
LETTERS = _table(
    "∂ partial ∇ nabla ∞ infty ℓ ell ℏ hbar ħ hbar ℜ Re ℑ Im ℘ wp ℵ aleph ℶ beth ∅ emptyset ∀ forall ∃ exists"
    " ∄ nexists ⊤ top ⊥ bot ∠ angle △ triangle ′ prime □ square ◻ square ◇ Diamond ♢ diamondsuit ♡ heartsuit ♠ spadesuit"
    " ♣ clubsuit ♯ sharp ♭ flat ♮ natural ı imath ȷ jmath … ldots ⋯ cdots ⋮ vdots ⋱ ddots ° circ † dagger ‡ ddagger"
    " ■ blacksquare ∎ blacksquare ★ bigstar ð eth § S ¶ P £ pounds"
)
RELATIONS = _table(
    "≤ leq ≥ geq ≠ neq ≈ approx ≡ equiv ∼ sim ≃ simeq ≅ cong ∝ propto ∈ in ∉ notin ∋ ni ⊂ subset ⊃ supset ⊆ subseteq"
    " ⊇ supseteq ⊊ subsetneq ⊋ supsetneq ⊄ nsubset ⊈ nsubseteq ≪ ll ≫ gg ≺ prec ≻ succ ⪯ preceq ⪰ succeq ≼ preccurlyeq"
    " ≽ succcurlyeq ⩽ leqslant ⩾ geqslant ≲ lesssim ≳ gtrsim ∣ mid ∤ nmid ∥ parallel ∦ nparallel ⊢ vdash ⊨ models ⊩ Vdash"
    " ⊣ dashv → to ← leftarrow ↔ leftrightarrow ⇒ Rightarrow ⇐ Leftarrow ⇔ Leftrightarrow ⟶ longrightarrow ⟵ longleftarrow"
    " ⟷ longleftrightarrow ⟹ Longrightarrow ⟸ Longleftarrow ⟺ Longleftrightarrow ↦ mapsto ⟼ longmapsto ↪ hookrightarrow"
    " ↩ hookleftarrow ↠ twoheadrightarrow ↣ rightarrowtail ↑ uparrow ↓ downarrow ↕ updownarrow ⇑ Uparrow ⇓ Downarrow"
    " ⇕ Updownarrow ↗ nearrow ↘ searrow ↙ swarrow ↖ nwarrow ⇌ rightleftharpoons ⇀ rightharpoonup ⇁ rightharpoondown"
    " ↼ leftharpoonup ↽ leftharpoondown ⇝ rightsquigarrow ↝ leadsto ≍ asymp ≐ doteq ≜ triangleq ⊏ sqsubset ⊐ sqsupset"
    " ⊑ sqsubseteq ⊒ sqsupseteq ⋈ bowtie ⊲ vartriangleleft ⊳ vartriangleright ⊴ trianglelefteq ⊵ trianglerighteq"
    " ∴ therefore ∵ because ≔ coloneqq ≕ eqqcolon ≢ not\\equiv ≉ not\\approx ≁ nsim ≇ ncong ≮ nless ≯ ngtr ≰ nleq ≱ ngeq"
    " ⇏ nRightarrow ↛ nrightarrow ≦ leqq ≧ geqq ⟂ perp ∽ backsim ⊸ multimap ↾ upharpoonright ↺ circlearrowleft"
)
BINARY = _table(
    "× times ÷ div ± pm ∓ mp ⋅ cdot · cdot ∗ ast ⋆ star ∘ circ ∙ bullet • bullet ⊕ oplus ⊖ ominus ⊗ otimes ⊘ oslash"
    " ⊙ odot ∩ cap ∪ cup ⊎ uplus ⊓ sqcap ⊔ sqcup ∧ wedge ∨ vee ∖ setminus ⧵ setminus ≀ wr ⨿ amalg ⊞ boxplus ⊟ boxminus"
    " ⊠ boxtimes ⊡ boxdot ⋄ diamond ⊛ circledast ⋉ ltimes ⋊ rtimes ▷ triangleright ◁ triangleleft ○ bigcirc ⊼ barwedge"
    " ⊻ veebar ⨯ times"
)
BINARY["−"] = "-"
BINARY["∔"] = "\\dotplus"
LARGE = _table(
    "∑ sum ∏ prod ∐ coprod ∫ int ∬ iint ∭ iiint ∮ oint ∯ oiint ⋂ bigcap ⋃ bigcup ⋀ bigwedge ⋁ bigvee ⨁ bigoplus"
    " ⨂ bigotimes ⨀ bigodot ⨄ biguplus ⨆ bigsqcup"
)
FENCES = _table(
    "⟨ langle ⟩ rangle 〈 langle 〉 rangle ⌊ lfloor ⌋ rfloor ⌈ lceil ⌉ rceil ‖ Vert ∥ Vert { { } } ⟦ llbracket"
    " ⟧ rrbracket ⦃ { ⦄ } ∣ vert | vert"
)
SPECIAL = _table("& & % % # # $ $ _ _ { { } } ¬ neg √ surd ⁄ / ∕ /")
SPECIAL |= {"\\": "\\backslash", "~": "\\sim", "⁄": "/", "∕": "/", "ı": "\\imath", "¦": "|", "“": "``", "”": "''"}

COMMANDS: dict[str, str] = {**GREEK, **LETTERS, **RELATIONS, **BINARY, **LARGE, **FENCES, **SPECIAL}
COMMANDS |= {"|": "|", "∣": "\\mid", "∥": "\\parallel"}
# Invisible operators (function application, times, separator, plus) and zero-width characters.
COMMANDS |= dict.fromkeys("\u2061\u2062\u2063\u2064\u200b\u200c\u200d\ufeff", "")
COMMANDS |= {"\u00a0": "~", "\u2009": "\\,", "\u2002": "\\ ", "\u2003": "\\quad", "\u205f": "\\:", "\u200a": "\\,"}

SPACED = frozenset([*RELATIONS, *BINARY, "=", "<", ">", "+", "-", ":=", "<=", ">=", "!=", "==", "->", "=>"]) - {"·", "∥"}
ASCII_OPERATORS = {
    "<=": "\\leq",
    ">=": "\\geq",
    "!=": "\\neq",
    "->": "\\to",
    "=>": "\\Rightarrow",
    "...": "\\ldots",
    "||": "\\|",
    "lim": "\\lim",
}
PRIMES = {"′": "'", "'": "'", "’": "'", "″": "''", "‴": "'''", "⁗": "''''"}
# Widths of <mspace> by name, in em.
NAMED_SPACES = {
    "thinmathspace": 0.167, "mediummathspace": 0.222, "thickmathspace": 0.278, "verythickmathspace": 0.333,
    "veryverythickmathspace": 0.389,
}  # fmt: skip
FUNCTIONS = words(
    "sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan exp log ln lg lim limsup liminf max min sup inf"
    " det dim ker deg gcd hom arg Pr"
)
LIMIT_FUNCTIONS = words("lim limsup liminf max min sup inf det gcd Pr")

OVER_ACCENTS = {
    "^": "hat", "ˆ": "hat", "̂": "hat", "~": "tilde", "˜": "tilde", "∼": "tilde", "̃": "tilde", "¯": "bar", "‾": "overline",
    "_": "overline", "―": "overline", "−": "bar", "-": "bar", "̄": "bar", "→": "vec", "⃗": "vec", "⇀": "vec",
    "˙": "dot", ".": "dot", "̇": "dot", "¨": "ddot", "̈": "ddot", "⃛": "dddot", "ˇ": "check", "̌": "check",
    "˘": "breve", "̆": "breve", "´": "acute", "`": "grave", "⏞": "overbrace", "︷": "overbrace", "←": "overleftarrow",
    "↔": "overleftrightarrow", "˚": "mathring", "⏜": "overparen", "ˉ": "bar", "ˊ": "acute", "ˋ": "grave", "¯¯": "bar", "¯¯¯": "overline",
}  # fmt: skip
UNDER_ACCENTS = {
    "_": "underline", "‾": "underline", "̲": "underline", "¯": "underline", "―": "underline", "⏟": "underbrace",
    "︸": "underbrace", "→": "underrightarrow", "←": "underleftarrow", "~": "utilde",
}  # fmt: skip
WIDE = {"hat": "widehat", "tilde": "widetilde", "bar": "overline", "vec": "overrightarrow"}
STRETCHY_ARROWS = {
    "→": "xrightarrow", "←": "xleftarrow", "⟶": "xrightarrow", "⟵": "xleftarrow", "⇒": "xRightarrow",
    "↔": "xleftrightarrow", "⟹": "xRightarrow",
}  # fmt: skip

VARIANTS = {
    "bold": "mathbf",
    "double-struck": "mathbb",
    "script": "mathcal",
    "bold-script": "mathcal",
    "fraktur": "mathfrak",
    "bold-fraktur": "mathfrak",
    "sans-serif": "mathsf",
    "bold-sans-serif": "mathsf",
    "monospace": "mathtt",
    "bold-italic": "boldsymbol",
    "normal": "mathrm",
    "-tex-calligraphic": "mathcal",
    "-tex-mathit": "mathit",
}
_ALPHABET_WORDS = (
    ("BOLD ITALIC", "boldsymbol"),
    ("BOLD SCRIPT", "mathcal"),
    ("BOLD FRAKTUR", "mathfrak"),
    ("SANS-SERIF", "mathsf"),
    ("DOUBLE-STRUCK", "mathbb"),
    ("BOLD", "mathbf"),
    ("SCRIPT", "mathcal"),
    ("FRAKTUR", "mathfrak"),
    ("BLACK-LETTER", "mathfrak"),
    ("MONOSPACE", "mathtt"),
    ("ITALIC", ""),
)


def alphabet_of(character: str) -> tuple[str, str]:
    r"""Split a styled letter into its plain form and the command of its alphabet.

    >>> alphabet_of("ℝ"), alphabet_of("𝑥"), alphabet_of("𝛼")
    (('R', 'mathbb'), ('x', ''), ('α', ''))
    """
    code = ord(character)
    if not (0x1D400 <= code <= 0x1D7FF or (0x2102 <= code <= 0x2134 and character not in COMMANDS)):
        return character, ""
    name = unicodedata.name(character, "")
    for word, command in _ALPHABET_WORDS:
        if word in name:
            return unicodedata.normalize("NFKC", character), command
    return character, ""


def to_command(character: str) -> str:
    """LaTeX of one character, itself where there is nothing better."""
    found = COMMANDS.get(character)
    if found is not None:
        return found
    plain, alphabet = alphabet_of(character)
    plain = COMMANDS.get(plain, plain)
    return f"\\{alphabet}{{{plain}}}" if alphabet else plain
