"""The language of a title or a task by words and endings of mathematical prose, where it is too short for anything else.

A word stands under every language that has it in this spelling, so that what several share says little.
"""

from __future__ import annotations

from mathcode_data.stages.extract.words import words
from mathcode_data.stages.score.language_short import FUNCTION_WORDS, count_votes, languages_by

TERMS = {
    "en": words(
        "theorem theorems lemma corollary proposition proof proofs prove proved definition definitions example examples"
        " exercise exercises problem problems solution solutions solve show find compute calculate determine consider suppose"
        " assume denote deduce evaluate verify sketch draw study number numbers integer integers prime primes real natural"
        " rational complex even odd positive negative function functions equation equations inequality set sets finite infinite"
        " subset group groups ring field fields space spaces vector matrix matrices linear continuous differentiable derivative"
        " derivatives integral integrals sequence series limit limits convergent converges bounded sum product quotient value"
        " values mean root roots graph kernel image basis dimension degree square triangle circle angle area line plane point"
        " points every each exists there then hence thus where using following given above below introduction chapter section"
        " lecture notes review intermediate fundamental calculus algebra geometry probability theory graphs chain rule"
    ),
    "de": words(
        "satz sätze lemma korollar beweis beweise beweisen definition beispiel beispiele aufgabe aufgaben übung übungen lösung"
        " lösungen lösen löse zeige zeigen finde bestimme bestimmen berechne berechnen untersuche untersuchen betrachte"
        " betrachten sei seien angenommen folgere zeichne zeichnen skizziere zahl zahlen ganze primzahl primzahlen reelle"
        " reellen natürliche natürlichen rationale komplexe gerade ungerade positive negative funktion funktionen gleichung"
        " gleichungen ungleichung menge mengen endlich endliche endlichen unendlich teilmenge gruppe gruppen ring körper raum"
        " räume vektorraum vektor vektoren matrix matrizen linear lineare linearen stetig stetige differenzierbar ableitung"
        " ableitungen integral integrale folge folgen reihe reihen grenzwert grenzwerte konvergent konvergiert beschränkt summe"
        " produkt wert werte mittelwert wurzel wurzeln nullstelle nullstellen graph kern bild basis dimension grad quadrat"
        " dreieck kreis winkel fläche gerade ebene punkt punkte jede jeder jedes diese dieser dieses dann also daher somit"
        " folgende folgenden gegeben oben unten einführung kapitel abschnitt vorlesung wiederholung theorie sie der kettenregel"
        " existiert"
    ),
    "fr": words(
        "théorème théorèmes lemme corollaire proposition preuve démonstration démonstrations démontrer définition définitions"
        " exemple exemples exercice exercices problème problèmes solution solutions résoudre montrer montrez trouver calculer"
        " calculez déterminer déterminez étudier étudiez considérer considérons supposons déduire vérifier tracer factoriser"
        " développer simplifier soit soient nombre nombres entier entiers premier premiers réel réels réelle réelles naturel"
        " naturels rationnel complexe complexes pair impair positif négatif fonction fonctions équation équations inégalité"
        " ensemble ensembles fini finie finis finies infini sous groupe groupes anneau corps espace espaces vectoriel vectoriels"
        " matrice matrices linéaire linéaires continue continues dérivable dérivée dérivées intégrale intégrales suite suites"
        " série séries limite limites convergente converge bornée somme produit valeur valeurs moyenne racine racines polynôme"
        " polynômes graphe noyau image base dimension degré carré triangle cercle angle aire droite plan point points chaque"
        " existe alors donc ainsi suivant suivante suivants précédent donné introduction chapitre leçon cours rappels rappel"
        " propriété propriétés application applications injective algèbre géométrie probabilité théorie courbe entre cas"
    ),
    "es": words(
        "teorema teoremas lema corolario proposición demostración demostraciones demostrar demuestre definición definiciones"
        " ejemplo ejemplos ejercicio ejercicios problema problemas solución soluciones resolver resuelve hallar halla encontrar"
        " calcular calcule determinar determine estudiar estudie considerar consideremos supongamos dibujar verificar sea sean"
        " número números entero enteros primo primos real reales natural naturales racional complejo complejos par impar"
        " positivo negativo función funciones ecuación ecuaciones desigualdad conjunto conjuntos finito finita infinito"
        " subconjunto grupo grupos anillo cuerpo espacio espacios vectorial vectoriales matriz matrices lineal lineales continua"
        " continuas derivable derivada derivadas integral integrales sucesión sucesiones serie series límite límites convergente"
        " converge acotada acotado suma sumas producto valor valores medio media raíz raíces polinomio gráfica gráfico núcleo"
        " imagen base dimensión grado cuadrado triángulo círculo ángulo área recta plano punto puntos cada existe entonces luego"
        " así siguiente siguientes anterior dado introducción capítulo curso repaso propiedad propiedades aplicación álgebra"
        " geometría probabilidad teoría curva entre diferencial intermedio fundamental"
    ),
    "it": words(
        "teorema teoremi lemma corollario proposizione dimostrazione dimostrazioni dimostrare definizione definizioni esempio"
        " esempi esercizio esercizi problema problemi soluzione soluzioni risolvere mostrare trovare calcolare determinare"
        " studiare considerare consideriamo supponiamo disegnare verificare sia siano numero numeri intero interi primo primi"
        " reale reali naturale naturali razionale complesso complessi pari dispari positivo negativo funzione funzioni equazione"
        " equazioni disuguaglianza insieme insiemi finito finita infinito sottoinsieme gruppo gruppi anello campo spazio spazi"
        " vettoriale vettoriali matrice matrici lineare lineari continua continue derivabile derivata derivate integrale"
        " integrali successione successioni serie limite limiti convergente converge limitata somma somme prodotto valore valori"
        " medio media radice radici polinomio grafico nucleo immagine base dimensione grado quadrato triangolo cerchio angolo"
        " area retta piano punto punti ogni esiste allora quindi dunque seguente seguenti precedente dato introduzione capitolo"
        " corso proprietà applicazione algebra geometria probabilità teoria curva tra questa questo differenziale intermedi"
        " fondamentale"
    ),
    "pt": words(
        "teorema teoremas lema corolário proposição demonstração demonstrações demonstrar demonstre prove definição definições"
        " exemplo exemplos exercício exercícios problema problemas solução soluções resolver resolva encontrar encontre calcular"
        " calcule determinar determine estudar estude considere suponha esboçar esboce verificar seja sejam número números"
        " inteiro inteiros primo primos real reais natural naturais racional complexo complexos par ímpar positivo negativo"
        " função funções equação equações desigualdade conjunto conjuntos finito finita infinito subconjunto grupo grupos anel"
        " corpo espaço espaços vetorial vetoriais matriz matrizes linear lineares contínua contínuas derivável derivada"
        " derivadas integral integrais sequência sucessão série séries limite limites convergente converge limitada soma somas"
        " produto valor valores médio média raiz raízes polinômio polinómio gráfico núcleo imagem base dimensão grau quadrado"
        " triângulo círculo ângulo área reta plano ponto pontos cada existe então logo assim seguinte seguintes anterior dado"
        " introdução capítulo curso revisão propriedade propriedades aplicação álgebra geometria probabilidade teoria curva"
        " entre diferencial"
    ),
    "nl": words(
        "stelling stellingen lemma gevolg bewijs bewijzen definitie voorbeeld voorbeelden opgave opgaven oefening oplossing"
        " oplossen toon vind bereken bepaal beschouw zij laat stel teken getal getallen geheel gehele priemgetal priemgetallen"
        " reële natuurlijk natuurlijke rationale complexe even oneven positief negatief functie functies vergelijking"
        " vergelijkingen ongelijkheid verzameling verzamelingen eindig eindige oneindig deelverzameling groep groepen ring"
        " lichaam ruimte ruimten vector vectorruimte matrix matrices lineaire continu continue differentieerbaar afgeleide"
        " afgeleiden integraal integralen rij rijen reeks reeksen limiet limieten convergent convergeert begrensd som product"
        " waarde waarden gemiddelde wortel wortels veelterm grafiek kern beeld basis dimensie graad kwadraat driehoek cirkel"
        " hoek oppervlakte lijn vlak punt punten elke ieder bestaat dan dus hieruit volgende gegeven inleiding hoofdstuk college"
        " herhaling eigenschappen theorie tussen"
    ),
}
ENDINGS = {
    "en": words("ness ships ology wise ally ingly"),
    "de": words(
        "ungen ung heit keit isch ische ischen lich liche lichen barkeit schaft satz satzes zahl zahlen menge raum gleichung rechnung"
    ),
    "fr": words("tions ème èmes ère ères ité ités elle elles eux euse ées aux ique iques ment aires oir ôme ôle ment"),
    "es": words("ción ciones idad idades miento mientos ando iendo amos emos ismo ales able ibles"),
    "it": words("zione zioni ità mento menti ezza ando endo iamo ismo abile ibile oni ello elli"),
    "pt": words("ção ções idade idades mento mentos ando endo amos emos ismo ável íveis ões ão ais"),
    "nl": words("ingen heid heden lijk lijke isch ische eerbaar schap ijn ijk ijke stelling getal ing"),
}
MIN_ENDING_WORD = 6
"""Of a word that is judged by its ending."""
_VOCABULARY = languages_by({code: known | TERMS.get(code, frozenset()) for code, known in FUNCTION_WORDS.items()})
_ENDING_LANGUAGES = languages_by(ENDINGS)
_ENDING_LENGTHS = sorted({len(ending) for ending in _ENDING_LANGUAGES}, reverse=True)
_BY_ENDING = 0.7  # of the vote of a word
_MIN_KNOWN = 0.75


def by_terms(sample: str) -> str:
    """The language of a short text of a page by function words, terms of mathematics and endings; "" where they do not decide.

    Of pieces of running text a model knows more.

    >>> by_terms("Démonstration du lemme"), by_terms("sin cos")
    ('fr', '')
    """
    votes = count_votes(sample, _languages_of)
    if votes.winner or not votes.is_enough:
        return votes.winner
    most = sorted(votes.known.items(), key=lambda pair: -pair[1])[:2]  # near neighbours share words, but seldom all of a sentence
    first, second = votes.ranked[0], votes.ranked[1]
    is_whole = len(most) == 2 and most[0][0] == first[0] and most[0][1] >= _MIN_KNOWN * votes.num_words and most[0][1] > most[1][1]
    return first[0] if is_whole and first[1] > second[1] else ""


def _languages_of(word: str) -> tuple[list[str], float]:
    codes = _VOCABULARY.get(word, [])
    if codes or len(word) < MIN_ENDING_WORD:
        return codes, 1.0
    return next((found for size in _ENDING_LENGTHS if (found := _ENDING_LANGUAGES.get(word[-size:]))), []), _BY_ENDING
