"""All that an exercise says, in English and in French: one table of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, get_args

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Say(Protocol):
    """Says a message of the table, its values put in."""

    def __call__(self, key: str, **values: object) -> str:
        """The message of a key."""


MESSAGES: Mapping[str, tuple[str, str]] = {
    "title": ("Exercises", "Exercices"),
    "answers": ("Answers", "Réponses"),
    "answer": ("Answer", "Réponse"),
    "seed": ("seed {seed}, level {level}", "graine {seed}, niveau {level}"),
    "right": ("Right.", "Juste."),
    "wrong": ("Not so. Worked out: {steps}", "Non. Le calcul : {steps}"),
    "try": ("Shown by `cnnkit analyze --explain` of", "Montré par `cnnkit analyze --explain` de"),
    "colon": (":", " :"),
    "thousands": (",", " "),
    "point": (".", ","),
    "stride": ("stride", "pas"),
    "padding": ("padding", "remplissage"),
    "topic.sizes": ("sizes", "tailles"),
    "topic.padding": ("padding", "remplissage"),
    "topic.parameters": ("parameters", "paramètres"),
    "topic.receptive-field": ("receptive field", "champ récepteur"),
    "topic.pooling": ("pooling", "pooling"),
    "topic.metrics": ("metrics", "mesures"),
    "sizes.conv": (
        (
            "A convolution with a kernel of F = {kernel} and a stride of S = {stride} "
            "reads a map of {extent}×{extent}."
        ),
        (
            "Une convolution de noyau F = {kernel} et de pas S = {stride} lit une carte "
            "de {extent}×{extent}."
        ),
    ),
    "sizes.padded": (
        "The map is padded by {padding} on each side.",
        "La carte est remplie de {padding} de chaque côté.",
    ),
    "sizes.pooled": (
        "A max pooling of 2×2 with stride 2 follows.",
        "Un max pooling de 2×2 et de pas 2 suit.",
    ),
    "sizes.asked": (
        "How many cells has each axis of the output?",
        "Combien de cases a chaque axe de la sortie ?",
    ),
    "sizes.or_none": (
        "Answer 0 where the windows do not fit.",
        "Répondre 0 si les fenêtres ne tombent pas juste.",
    ),
    "sizes.not_whole": ("no whole number: an error", "qui n'est pas entier : une erreur"),
    "sizes.floored": (
        "Rounded down: the last cells are read by no window, which is an error here.",
        "Arrondi par défaut : aucune fenêtre ne lit les dernières cases, ici une erreur.",
    ),
    "sizes.one_more": (
        "The + 1 is forgotten: the first position of the window counts too.",
        "Le + 1 est oublié : la première position de la fenêtre compte aussi.",
    ),
    "sizes.both_sides": (
        "P is the padding of both sides together.",
        "P est le remplissage des deux côtés ensemble.",
    ),
    "sizes.no_padding": ("The padding is forgotten.", "Le remplissage est oublié."),
    "sizes.no_stride": ("The stride is forgotten.", "Le pas est oublié."),
    "sizes.no_pool": ("The pooling is forgotten.", "Le pooling est oublié."),
    "padding.conv": (
        (
            "A convolution with a kernel of F = {kernel} and a stride of S = {stride} "
            "reads a map of {extent}×{extent}."
        ),
        (
            "Une convolution de noyau F = {kernel} et de pas S = {stride} lit une carte "
            "de {extent}×{extent}."
        ),
    ),
    "padding.dilated": (
        "Its kernel is dilated by {dilation}.",
        "Son noyau est dilaté de {dilation}.",
    ),
    "padding.asked": (
        "By how many cells must each side be padded for an output of {output}×{output}?",
        "De combien de cases faut-il remplir chaque côté pour une sortie de {output}×{output} ?",
    ),
    "padding.total": (
        "That is the padding of both sides together.",
        "C'est le remplissage des deux côtés ensemble.",
    ),
    "padding.no_dilation": ("The dilation is forgotten.", "La dilatation est oubliée."),
    "padding.kernel": (
        "That is the kernel: the padding is what the output needs beyond the map.",
        "C'est le noyau : le remplissage est ce qu'il faut à la sortie de plus que la carte.",
    ),
    "parameters.conv": (
        (
            "How many parameters has a convolution of {filters} filters with a kernel of "
            "{kernel}×{kernel} and a bias each, over {channels} channels?"
        ),
        (
            "Combien de paramètres a une convolution de {filters} filtres de noyau "
            "{kernel}×{kernel}, chacun avec un biais, sur {channels} canaux ?"
        ),
    ),
    "parameters.dense": (
        (
            "A map of {shape} is flattened and read by a dense layer of {units} units "
            "with biases. How many parameters has that layer?"
        ),
        (
            "Une carte de {shape} est aplatie et lue par une couche dense de {units} "
            "neurones avec biais. Combien de paramètres a cette couche ?"
        ),
    ),
    "parameters.network": (
        (
            "A colour image of {extent}×{extent}×3 goes through a convolution of "
            "{filters} filters ({kernel}×{kernel}, stride 1, no padding), a max pooling "
            "of 2×2 with stride 2, a flatten and a dense layer of {units} units, all with "
            "biases. How many parameters has the network?"
        ),
        (
            "Une image en couleurs de {extent}×{extent}×3 traverse une convolution de "
            "{filters} filtres ({kernel}×{kernel}, pas 1, sans remplissage), un max "
            "pooling de 2×2 et de pas 2, un aplatissement et une couche dense de {units} "
            "neurones, tous avec biais. Combien de paramètres a le réseau ?"
        ),
    ),
    "parameters.no_bias": ("The biases are forgotten.", "Les biais sont oubliés."),
    "parameters.one_bias": ("Each unit has a bias.", "Chaque neurone a un biais."),
    "parameters.no_channels": (
        "The channels are forgotten: a kernel reads all of them.",
        "Les canaux sont oubliés : un noyau les lit tous.",
    ),
    "parameters.one_filter": (
        "That is one filter; the layer has several.",
        "C'est un filtre ; la couche en a plusieurs.",
    ),
    "parameters.one_axis": (
        "The kernel has two axes: F·F weights a channel.",
        "Le noyau a deux axes : F·F poids par canal.",
    ),
    "parameters.no_pool": (
        "The pooling is forgotten: the dense layer reads fewer cells.",
        "Le pooling est oublié : la couche dense lit moins de cases.",
    ),
    "receptive_field.conv": (
        "a convolution {kernel}×{kernel} of stride {stride}",
        "une convolution {kernel}×{kernel} de pas {stride}",
    ),
    "receptive_field.pool": ("a max pooling 2×2 of stride 2", "un max pooling 2×2 de pas 2"),
    "receptive_field.asked": (
        (
            "One after another: {layers}. How many cells of the input, along one axis, "
            "does a cell of the output see?"
        ),
        (
            "L'une après l'autre : {layers}. Combien de cases de l'entrée, le long d'un "
            "axe, une case de la sortie voit-elle ?"
        ),
    ),
    "receptive_field.no_strides": (
        "Strides widen what the layers behind them see.",
        "Les pas élargissent ce que voient les couches suivantes.",
    ),
    "receptive_field.sum": (
        "Each kernel adds F − 1, not F: the windows overlap.",
        "Chaque noyau ajoute F − 1, non F : les fenêtres se recouvrent.",
    ),
    "receptive_field.last": (
        "That is one layer's window; those before it see further.",
        "C'est la fenêtre d'une couche ; celles d'avant voient plus loin.",
    ),
    "pooling.extent": (
        (
            "A max pooling with windows of {size}×{size} and a stride of {stride} reads a "
            "map of {shape}. How many cells has each axis of its output?"
        ),
        (
            "Un max pooling de fenêtres {size}×{size} et de pas {stride} lit une carte de "
            "{shape}. Combien de cases a chaque axe de sa sortie ?"
        ),
    ),
    "pooling.elements": (
        (
            "A max pooling with windows of {size}×{size} and a stride of {stride} reads a "
            "map of {shape}. How many numbers come out?"
        ),
        (
            "Un max pooling de fenêtres {size}×{size} et de pas {stride} lit une carte de "
            "{shape}. Combien de nombres en sortent ?"
        ),
    ),
    "pooling.max": (
        "What does max pooling make of the window {window}?",
        "Que fait un max pooling de la fenêtre {window} ?",
    ),
    "pooling.mean": (
        "What does mean pooling make of the window {window}?",
        "Que fait un mean pooling de la fenêtre {window} ?",
    ),
    "pooling.channels_stay": (
        "The channels stay: each is pooled on its own.",
        "Les canaux restent : chacun est réduit à part.",
    ),
    "pooling.both_axes": ("Both axes shrink.", "Les deux axes rétrécissent."),
    "pooling.not_shrunk": (
        "That is what goes in: a window of the stride's cells becomes one.",
        "C'est l'entrée : une fenêtre devient une case.",
    ),
    "pooling.other_mean": ("That is the maximum.", "C'est le maximum."),
    "pooling.other_max": ("That is the mean.", "C'est la moyenne."),
    "pooling.sum": ("That is the sum.", "C'est la somme."),
    "pooling.absolute": (
        "A number below 0 is small, whatever its digits.",
        "Un nombre négatif est petit, quels que soient ses chiffres.",
    ),
    "metrics.asked": (
        (
            "A test for a disease finds {found} of the ill and misses {missed}; it alarms "
            "{alarms} of the healthy and leaves {rest} in peace. What is its {name}, to "
            "three decimals?"
        ),
        (
            "Un test de dépistage trouve {found} malades et en manque {missed} ; il "
            "alarme {alarms} personnes saines et en laisse {rest} tranquilles. Que vaut "
            "{name}, à trois décimales ?"
        ),
    ),
    "metrics.other": ("That is the {name}.", "C'est {name}."),
    "metrics.accuracy": ("accuracy", "l'exactitude"),
    "metrics.recall": ("recall (sensitivity)", "le rappel (sensibilité)"),
    "metrics.specificity": ("specificity", "la spécificité"),
    "metrics.precision": ("precision", "la précision"),
    "metrics.F1": ("F1", "le F1"),
}
"""What is said, in the order of ``LANGUAGES``."""


def speaker(language: Language) -> Say:
    """What says the messages in a language."""
    column = LANGUAGES.index(language)

    def say(key: str, **values: object) -> str:
        return MESSAGES[key][column].format(**values)

    return say
