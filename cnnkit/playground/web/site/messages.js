// All that the page says, in English and French, and the lecture's terms in both.

/** @type {Record<string, [string, string]>} */
const MESSAGES = {
  title: ["cnnkit playground", "cnnkit, l’atelier"],
  skip: ["Skip to the results", "Aller aux résultats"],
  spec: ["Spec", "Description du réseau"],
  specs: ["Examples", "Exemples"],
  choose: ["Choose an example …", "Choisir un exemple…"],
  templates: ["Templates", "Modèles de départ"],
  lectures: ["Lectures", "Cours"],
  zoo: ["Zoo", "Réseaux connus"],
  share: ["Copy link", "Copier le lien"],
  shared: ["The link is copied: it holds the whole spec.", "Le lien est copié : il contient tout le texte."],
  sharing: ["The link is in the address bar.", "Le lien est dans la barre d’adresse."],
  unshared: ["The link holds no spec that can be read.", "Le lien ne contient pas de texte lisible."],
  long: ["The text is too long for a link.", "Le texte est trop long pour un lien."],
  download: ["Download", "Télécharger"],
  yaml: ["Spec (YAML)", "Description (YAML)"],
  svg: ["Drawing (SVG)", "Dessin (SVG)"],
  html: ["Report (HTML)", "Rapport (HTML)"],
  json: ["Analysis (JSON)", "Analyse (JSON)"],
  torch: ["PyTorch code", "Code PyTorch"],
  keras: ["Keras code", "Code Keras"],
  flax: ["Flax code", "Code Flax"],
  undone: ["There is no such file of this network: {0}", "Impossible pour ce réseau : {0}"],
  language: ["Language", "Langue"],
  theme: ["Theme", "Thème"],
  auto: ["as the system", "comme le système"],
  light: ["light", "clair"],
  dark: ["dark", "sombre"],
  starting: ["Starting Python …", "Démarrage de Python…"],
  ready: ["Ready", "Prêt"],
  computing: ["Computing …", "Calcul…"],
  stuck: [
    "Stopped: this text took more than 5 seconds. Change it to go on.",
    "Arrêté : ce texte demande plus de 5 secondes. Modifiez-le pour continuer.",
  ],
  failed: ["Python could not start: {0}", "Python n’a pas pu démarrer : {0}"],
  fault: ["This could not be computed: {0}", "Calcul impossible : {0}"],
  done: ["{0} layers, {1}", "{0} couches, {1}"],
  done1: ["1 layer, {0}", "1 couche, {0}"],
  fine: ["no findings", "aucune remarque"],
  findings: ["Findings", "Remarques"],
  found: ["{0} findings", "{0} remarques"],
  found1: ["1 finding", "1 remarque"],
  line: ["line {0}", "ligne {0}"],
  error: ["error", "erreur"],
  warning: ["warning", "avertissement"],
  info: ["info", "info"],
  fixes: ["Fixes", "Corrections"],
  remove: ["take it out", "l’enlever"],
  fixed: ["Fixed: {0}", "Corrigé : {0}"],
  table: ["Layers", "Couches"],
  layer: ["layer", "couche"],
  kind: ["kind", "type"],
  output: ["output", "sortie"],
  neurons: ["neurons", "neurones"],
  parameters: ["parameters", "paramètres"],
  macs: ["MACs", "MAC"],
  activations: ["activations", "activations"],
  field: ["receptive field", "champ récepteur"],
  total: ["Totals", "Totaux"],
  depth: ["Levels", "Niveaux"],
  chosen: ["The chosen layer", "La couche choisie"],
  none: ["Choose a layer in the table.", "Choisissez une couche dans le tableau."],
  formulas: ["Formulas", "Formules"],
  sliders: ["Turn its numbers", "Tourner ses nombres"],
  written: ["written as {0}", "écrit {0}"],
  variable: ["sets the variable {0}", "change la variable {0}"],
  number: ["cells", "cellules"],
  sees: ["What a cell sees", "Ce que voit une cellule"],
  cell: ["Cell of the output", "Cellule de sortie"],
  seen: ["It depends on {0} of the input, {1}.", "Elle dépend de {0} de l’entrée, {1}."],
  seenpadded: [
    "It depends on {0} of the input, {1}; beyond the border lies padding.",
    "Elle dépend de {0} de l’entrée, {1} ; au-delà du bord, c’est le remplissage.",
  ],
  outputmap: ["Output {0}: click or drag to choose a cell", "Sortie {0} : cliquer ou glisser pour choisir"],
  inputmap: ["Input {0}", "Entrée {0}"],
  unseen: ["No receptive field: the layer has no map of the input.", "Pas de champ récepteur pour cette couche."],
  walk: ["The arithmetic", "Le calcul"],
  unwalked: ["Choose a convolution or a pool to watch its window.", "Choisissez une convolution ou un pooling."],
  play: ["Walk", "Marcher"],
  pause: ["Pause", "Pause"],
  step: ["Next cell", "Cellule suivante"],
  row: ["Row", "Ligne"],
  column: ["Column", "Colonne"],
  slice: ["Slice", "Tranche"],
  length: ["Cell", "Cellule"],
  outchannel: ["Output channel", "Canal de sortie"],
  inchannel: ["Input channel", "Canal d’entrée"],
  padded: ["Input with padding, channel {0}", "Entrée avec remplissage, canal {0}"],
  filter: ["Filter", "Filtre"],
  products: ["Products", "Produits"],
  sum: ["Sum", "Somme"],
  bychannel: ["Sum of each channel, and the bias", "Somme par canal, et le biais"],
  result: ["Result", "Résultat"],
  maximum: ["Maximum", "Maximum"],
  mean: ["Mean", "Moyenne"],
  numbers: ["Numbers of the input", "Nombres de l’entrée"],
  numbershelp: ["{0} numbers, row by row, channels last", "{0} nombres, ligne par ligne, canaux en dernier"],
  numbersbad: ["{0} numbers are needed, there are {1}.", "Il faut {0} nombres, il y en a {1}."],
  image: ["An image as input", "Une image en entrée"],
  imagebad: ["This file is no image that the browser reads.", "Ce fichier n’est pas une image lisible."],
  reset: ["Example numbers", "Nombres d’exemple"],
  madeup: [
    "The numbers are made up{0}: a layer has learnt none yet.",
    "Les nombres sont inventés{0} : rien n’est encore appris.",
  ],
  butweights: [", but for the filter, which the spec gives", ", sauf le filtre, donné par le texte"],
  memory: ["Memory and work", "Mémoire et travail"],
  weight_memory: ["weights", "poids"],
  activation_memory: ["activations, at the peak", "activations, au maximum"],
  inference_memory: ["inference", "inférence"],
  training_memory: ["training", "entraînement"],
  share_of: ["Share of each layer", "Part de chaque couche"],
  drawing: ["Drawing", "Dessin"],
  drawingof: ["The layers as stacks of feature maps, {0}", "Les couches en piles de cartes, {0}"],
  practice: ["Practice", "S’exercer"],
  topic: ["Topic", "Sujet"],
  level: ["Level", "Niveau"],
  next: ["Another question", "Autre question"],
  answer: ["Answer", "Réponse"],
  check: ["Check", "Vérifier"],
  rightanswer: ["Right.", "Juste."],
  wronganswer: ["Not so.", "Non."],
  nonumber: ["This is no number.", "Ce n’est pas un nombre."],
  rightstep: ["right", "juste"],
  wrongstep: ["not so", "non"],
  stepwise: ["Step by step", "Pas à pas"],
  tell: ["Show the answer", "Montrer la réponse"],
  open: ["Open its network", "Ouvrir son réseau"],
  score: ["{0} of {1} right", "{0} sur {1} justes"],
  compare: ["Compare", "Comparer"],
  keep: ["Keep this spec to compare", "Garder ce texte pour comparer"],
  drop: ["Forget it", "L’oublier"],
  old: ["Kept", "Gardé"],
  new: ["Now", "Maintenant"],
  change: ["change", "écart"],
  same: ["Both are the same network.", "C’est le même réseau."],
  incomparable: ["One of both cannot be read.", "L’un des deux n’est pas lisible."],
  leave: ["Esc, then Tab, leaves the editor.", "Échap puis Tab quitte l’éditeur."],
};

/** What the analyser calls things, as the lecture does in French. @type {Record<string, string>} */
const TERMS = {
  neurons: "neurones",
  parameters: "paramètres",
  state: "état",
  MACs: "MAC",
  FLOPs: "FLOP",
  activations: "activations",
  "other operations": "autres opérations",
  "inference memory": "mémoire d’inférence",
  "training memory": "mémoire d’entraînement",
  "memory traffic": "trafic mémoire",
  "weight memory": "mémoire des poids",
  "activation memory": "mémoire des activations",
  "MACs without heads": "MAC sans les têtes",
  "receptive field": "champ récepteur",
  "receptive field of height": "champ récepteur en hauteur",
  "receptive field of width": "champ récepteur en largeur",
  "height and width": "hauteur et largeur",
  height: "hauteur",
  width: "largeur",
  length: "longueur",
  depth: "profondeur",
  channels: "canaux",
  "cells of a channel": "cellules d’un canal",
  "channels of a group": "canaux d’un groupe",
  elements: "éléments",
  weights: "poids",
  output: "sortie",
  "add operations": "additions",
  "multiply operations": "multiplications",
  "compare operations": "comparaisons",
  "divide operations": "divisions",
  "exponential operations": "exponentielles",
  filters: "filtres",
  units: "unités",
  kernel: "noyau",
  size: "taille",
  stride: "pas",
  padding: "remplissage",
  dilation: "dilatation",
  groups: "groupes",
  multiplier: "multiplicateur",
};

export const LANGUAGES = /** @type {const} */ (["en", "fr"]);
let current = 0;

/** @param {string} language */
export function speak(language) {
  current = language === "fr" ? 1 : 0;
  document.documentElement.lang = LANGUAGES[current];
  document.title = say("title");
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-say]")))
    each.textContent = say(each.dataset.say ?? "");
  for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-label]")))
    each.setAttribute("aria-label", say(each.dataset.label ?? ""));
}

/** @returns {string} */
export function spoken() {
  return LANGUAGES[current];
}

/** A message with values put in. @param {string} key @param {...unknown} values */
export function say(key, ...values) {
  const text = MESSAGES[key]?.[current] ?? key;
  return text.replace(/\{(\d)\}/g, (_, place) => String(values[Number(place)] ?? ""));
}

/** What the analyser calls something, in the page's language. @param {string} name */
export function term(name) {
  return current === 1 ? (TERMS[name] ?? name) : name;
}

/** Whether all messages are there in all languages; for the tests. */
export function complete() {
  return Object.values(MESSAGES).every((texts) => texts.length === LANGUAGES.length && texts.every(Boolean));
}
