// The list of documents of a page: search, filters, and drawings of what is in sight.
const { View, element } = RelView;
const OTHER = { "--rel-h": "200" }; // the color of new types
const LONGEST_SENTENCE = 200; // letters of it in the list
const MAX_DEPTH = 20; // mentions around a letter
const BATCH = 20; // documents that are added when the end of the list comes into sight
const byId = (id) => document.getElementById(id);

// Whole numbers that JavaScript cannot hold stay as they are written.
const exact = (key, value, context) =>
  typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && JSON.rawJSON
    ? JSON.rawJSON(context.source)
    : value;
const json = byId("rel-data").textContent;
const data = JSON.parse(json, /(?<![\d.])\d{16}/.test(json) ? exact : undefined); // which is slow
const docs = data.documents;
const review = new Review(docs, data);

const filters = { text: "", labels: new Set(), score: 0, status: "all" };
let listed = []; // positions of the documents that pass the filters
let articles = new Map(); // what is in the page of them: {node, view, shown}
let current = { doc: null, relation: null, event: null }; // positions
let picked = null; // {doc, mention}: the head of a relation that is being added

// Filters

function isShown(relation) {
  if (filters.labels.size && !filters.labels.has(relation.label)) return false;
  if (relation.score != null && relation.score < filters.score) return false;
  const { status } = filters;
  if (status === "all") return true;
  if (status === "mistakes") return relation.status === "missed" || relation.status === "spurious";
  if (status === "open") return relation.state === "open";
  return relation.status === status;
}

const isNarrow = () => filters.labels.size > 0 || filters.score > 0 || filters.status !== "all";

function isListed(i) {
  const doc = docs[i];
  if (filters.text) {
    const places = [doc.title, doc.record.text];
    if (!places.some((text) => text.toLowerCase().includes(filters.text))) return false;
  }
  return !isNarrow() || review.relations(i).some(isShown) || review.events(i).some(isShown);
}

function list() {
  for (const { view } of articles.values()) view.remove();
  articles = new Map();
  listed = docs.map((_, i) => i).filter(isListed);
  byId("documents").replaceChildren();
  byId("count").textContent = `${listed.length} of ${docs.length} documents`;
  byId("none").hidden = listed.length > 0;
  addBatch();
}

function addBatch() {
  for (const i of listed.slice(articles.size, articles.size + BATCH)) {
    const node = article(i);
    byId("documents").append(node);
    attach(i, node);
  }
}

// Documents

// A text where mentions begin and end: start and end of each piece, and the mentions around it, the
// outermost one first, at most MAX_DEPTH; as `cut` of drawing.py.
function cut(length, mentions) {
  const starting = new Map();
  mentions.forEach(({ start }, i) => starting.set(start, [...(starting.get(start) || []), i]));
  const places = new Set([0, length, ...mentions.flatMap(({ start, end }) => [start, end])]);
  const sorted = Array.from(places).sort((a, b) => a - b);
  let around = [];
  return sorted.slice(0, -1).map((start, k) => {
    around = around.filter((i) => mentions[i].end > start);
    const added = (starting.get(start) || []).sort((a, b) => mentions[b].end - mentions[a].end || a - b);
    around = [...around, ...added.slice(0, MAX_DEPTH - around.length)];
    return [start, sorted[k + 1], around];
  });
}

// The letters of a text: offsets count code points.
const lettersOf = (doc) => (doc.letters = doc.letters || Array.from(doc.record.text));

// A place in a text as strings count it.
function unitsOf(doc, at) {
  const letters = lettersOf(doc);
  return letters.length === doc.record.text.length ? at : letters.slice(0, at).join("").length;
}

// The text of a document with its mentions, each inside of those around it.
function textElement(doc) {
  const letters = lettersOf(doc);
  const mentions = review.mentions(doc);
  const root = element("div", "rel-text");
  root.dir = doc.dir;
  const open = []; // from the outermost mention on: [mention, element]
  const begun = new Set();
  const close = (at) => {
    const [i, node] = open.pop();
    if (at < mentions[i].end) node.classList.add("rel-opens");
    else node.append(...typeElement(doc, i));
  };
  for (const [start, end, around] of cut(letters.length, mentions)) {
    let same = 0;
    while (same < open.length && open[same][0] === around[same]) same += 1;
    while (open.length > same) close(start);
    for (const i of around.slice(same)) {
      const node = mentionElement(doc, i);
      if (begun.has(i)) node.classList.add("rel-goes-on");
      begun.add(i);
      (open.length ? open[open.length - 1][1] : root).append(node);
      open.push([i, node]);
    }
    (open.length ? open[open.length - 1][1] : root).append(letters.slice(start, end).join(""));
  }
  while (open.length) close(letters.length);
  return root;
}

function mentionElement(doc, i) {
  const mention = review.mentions(doc)[i];
  const node = element("span", "rel-mention");
  node.dataset.m = i;
  if (doc.clusters[i]) node.dataset.c = doc.clusters[i];
  if (!mention.label) node.classList.add("rel-untyped");
  if (doc.missed.includes(i)) node.classList.add("missed");
  for (const [name, value] of Object.entries(data.types[mention.label] || OTHER)) {
    node.style.setProperty(name, value);
  }
  if (review.isOn) Object.assign(node, { tabIndex: 0, role: "button" });
  return node;
}

function typeElement(doc, i) {
  const { label } = review.mentions(doc)[i];
  const number = doc.clusters[i];
  if (!label && !number) return [];
  const letters = Array.from(label);
  const node = element("small", "rel-type", letters.length > 40 ? letters.slice(0, 39).join("") + "…" : label);
  if (letters.length > 40) node.title = label;
  if (number) {
    const cluster = element("span", "rel-cluster", `${label ? " " : ""}#${number}`);
    cluster.title = `coreference cluster ${number}`;
    node.append(cluster);
  }
  return [node];
}

const mentionText = (doc, i) => {
  const { start, end } = review.mentions(doc)[i];
  return lettersOf(doc).slice(start, end).join("");
};

// The relations of a document that pass the filters, with their positions in the review.
function shownRelations(i) {
  const relations = review.relations(i).map((relation, index) => ({ ...relation, index }));
  return relations.filter(isShown).map((relation) => ({
    ...relation,
    style: relation.status ? {} : data.styles[relation.label] || OTHER,
    status: [relation.status, relation.state === "open" ? "" : relation.state].join(" ").trim(),
    sign: signOf(relation),
    evidence: evidenceOf(docs[i], relation).map((place) => place.map((at) => unitsOf(docs[i], at))),
    title: `${mentionText(docs[i], relation.head)} ${relation.label} ${mentionText(docs[i], relation.tail)}`,
  }));
}

// Start and end of the sentences that show a relation.
const evidenceOf = (doc, { origin }) => (origin === null ? [] : doc.evidence[origin]);

function signOf({ status, state }) {
  if (state === "accepted") return "✓";
  if (state === "rejected") return "✕";
  const signs = review.isOn ? { right: "=", spurious: "+" } : { right: "✓", spurious: "✕" };
  return status === "missed" ? "?" : signs[status] || "";
}

const counted = (shown, total, what) =>
  `${shown === total ? total : `${shown} of ${total}`} ${what}${total === 1 ? "" : "s"}`;

function article(i) {
  const doc = docs[i];
  const node = element("article", "document");
  node.dataset.doc = i;
  const header = element("header");
  const title = element("h2", "", doc.title);
  title.dir = "auto";
  header.append(title);
  const shown = shownRelations(i);
  const total = review.relations(i).length;
  const events = review.events(i).filter(isShown);
  header.append(element("span", "soft", counted(shown.length, total, "relation")));
  if (doc.events.length) header.append(element("span", "soft", counted(events.length, doc.events.length, "event")));
  if (review.isOn) header.append(doneBox(i));
  const view = element("div", "rel-view");
  view.setAttribute("role", "group");
  view.setAttribute("aria-label", `${doc.title}: ${review.mentions(doc).length} mentions, ${total} relations`);
  view.append(textElement(doc));
  if (shown.length) view.append(relationList(i, shown));
  if (events.length) view.append(eventList(i, events));
  if (review.isOn) view.append(...addedMentions(i));
  node.append(header, view);
  return node;
}

function attach(i, node) {
  const shown = shownRelations(i);
  const select = (k) => choose(i, shown[k].index);
  const view = new View(node.querySelector(".rel-view"), shown, select);
  articles.set(i, { node, view, shown });
}

function relationList(i, shown) {
  const doc = docs[i];
  const names = ["Head", "Relation", "Tail", "Score"];
  const hasEvidence = shown.some((relation) => relation.evidence.length);
  if (hasEvidence) names.push("Evidence");
  if (data.compared) names.push("Compared");
  if (review.isOn) names.push("Review");
  const rows = shown.map((relation, k) => {
    const row = element("tr", relation.status);
    row.tabIndex = 0;
    row.dataset.r = k;
    const label = nameCell(relation.label);
    if (relation.polarity) label.append(" ", element("small", "", relation.polarity));
    row.append(mentionCell(doc, relation.head), label, mentionCell(doc, relation.tail));
    row.append(scoreCell(relation.score));
    if (hasEvidence) row.append(evidenceCell(doc, relation));
    if (data.compared) row.append(element("td", "soft", compared(doc, relation)));
    if (review.isOn) row.append(relationDecisions(i, relation));
    return row;
  });
  return foldedTable(counted(shown.length, shown.length, "relation"), names, rows);
}

function foldedTable(title, names, rows) {
  const details = element("details", "rel-list");
  details.open = review.isOn || data.compared;
  details.append(element("summary", "", title));
  const table = element("table");
  const head = element("tr");
  for (const name of names) {
    const cell = element("th", "", name);
    cell.scope = "col";
    head.append(cell);
  }
  table.append(element("thead"), element("tbody"));
  table.tHead.append(head);
  table.tBodies[0].append(...rows);
  details.append(table);
  return details;
}

function compared(doc, relation) {
  const [status] = relation.status.split(" ");
  const reason = relation.origin === null ? "" : doc.reasons[relation.origin];
  return reason ? `${status}, ${reason}` : relation.origin === null ? "added" : status;
}

function evidenceCell(doc, relation) {
  const cell = element("td");
  for (const [start, end] of evidenceOf(doc, relation)) {
    const letters = lettersOf(doc).slice(start, Math.min(end, start + LONGEST_SENTENCE));
    const rest = end - start > LONGEST_SENTENCE ? "…" : "";
    cell.append(element("bdi", "", letters.join("") + rest), " ");
  }
  return cell;
}

function mentionCell(doc, i) {
  const cell = nameCell(mentionText(doc, i));
  cell.append(" ", element("small", "soft", review.mentions(doc)[i].label));
  return cell;
}

const scoreCell = (score) => element("td", "rel-number", score == null ? "-" : score.toFixed(3));

function nameCell(text) {
  const cell = element("td");
  cell.append(element("bdi", "", text));
  return cell;
}

// Draw a document anew, after its relations have changed.
function redraw(i) {
  const old = articles.get(i);
  if (!old) return;
  const node = article(i);
  old.view.remove();
  old.node.replaceWith(node);
  attach(i, node);
  if (current.doc === i) choose(i, current.relation, current.event);
}

// Choose a relation or an event: it is brought into sight, and keys are about it.
function choose(i, index, event = null) {
  if (current.doc !== null && current.doc !== i) articles.get(current.doc)?.view.select(null);
  current = { doc: i, relation: index, event };
  while (!articles.has(i) && articles.size < listed.length) addBatch();
  const found = articles.get(i);
  if (!found) return;
  for (const other of document.querySelectorAll(".document.current")) other.classList.remove("current");
  found.node.classList.add("current");
  const k = found.shown.findIndex((relation) => relation.index === index);
  found.view.select(k < 0 ? null : k);
  const row = found.node.querySelector(event === null ? `tr[data-r="${k}"]` : `tr[data-event="${event}"]`);
  if (row) row.focus({ preventScroll: true });
  (row || found.node.querySelector("h2")).scrollIntoView({ block: "nearest" });
}

// What of a document passes the filters, in the order of the page: position of a relation, and of an event.
function itemsOf(i) {
  const relations = review.relations(i).map((relation, index) => ({ ...relation, index }));
  return [
    ...relations.filter(isShown).map(({ index }) => [index, null]),
    ...review.events(i).filter(isShown).map(({ index }) => [null, index]),
  ];
}

// The next relation, event or document from the current one, among those that are listed.
function step(by, isDocument) {
  const at = listed.indexOf(current.doc);
  if (!isDocument && at >= 0) {
    const shown = itemsOf(current.doc);
    const k = shown.findIndex(([relation, event]) => relation === current.relation && event === current.event) + by;
    if (k >= 0 && k < shown.length) return choose(current.doc, ...shown[k]);
  }
  const next = listed[at < 0 ? 0 : at + by];
  if (next === undefined) return undefined;
  const shown = itemsOf(next);
  return choose(next, ...(shown[by < 0 && !isDocument ? shown.length - 1 : 0] || [null]));
}

// Controls

function labelFilter() {
  const counts = new Map();
  for (const { relations, events } of docs) {
    for (const { label } of [...relations, ...events]) counts.set(label, (counts.get(label) || 0) + 1);
  }
  for (const [label, n] of Array.from(counts).sort((a, b) => b[1] - a[1])) {
    const button = element("button", "chip");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(element("bdi", "", label), ` ${n}`);
    button.addEventListener("click", () => {
      const isOn = filters.labels.delete(label) ? false : !!filters.labels.add(label);
      button.setAttribute("aria-pressed", isOn);
      list();
    });
    byId("labels").append(button);
  }
}

function startControls() {
  labelFilter();
  let wait = null;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(wait);
    wait = setTimeout(() => {
      filters.text = event.target.value.trim().toLowerCase();
      list();
    }, 150);
  });
  byId("score").addEventListener("input", (event) => {
    filters.score = Number(event.target.value);
    byId("least").textContent = filters.score.toFixed(2);
    list();
  });
  byId("status").addEventListener("change", (event) => {
    filters.status = event.target.value;
    list();
  });
  if (data.compared && data.status) byId("status").value = filters.status = data.status;
  for (const button of document.querySelectorAll("[data-help]")) {
    button.addEventListener("click", () => byId("help").showModal());
  }
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) addBatch();
  }, { rootMargin: "800px" }).observe(byId("end"));
}

startControls();
startReview();
list();
