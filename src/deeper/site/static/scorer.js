// How Sphinx orders what a search finds: its own numbers, and a network's page after all studies.
var Scorer = {
  score: ([page, , , , score]) => (page.startsWith("networks/") ? score - 1000 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
