// Review of relations and events: decisions, undo, keys.
class Review {
  constructor(docs, data) {
    this.docs = docs;
    this.isOn = data.review;
    this.decisions = new Map(); // by the key of the document: {done, relations, mentions, events}
    this.past = [];
    this.future = [];
  }

  // The decisions about a document; those of the page if there are none.
  of(i) {
    const doc = this.docs[i];
    if (!this.decisions.has(doc.key)) {
      const places = new Map(doc.record.entities.map(({ id }, k) => [JSON.stringify(id), k]));
      const place = (id) => places.get(JSON.stringify(id));
      const relations = doc.relations.map(({ head, tail, label }, origin) => {
        return { origin, head: place(head), tail: place(tail), label, state: "open" };
      });
      return { done: false, relations, mentions: [], events: [] };
    }
    return this.decisions.get(doc.key);
  }

  // The mentions of a document, and after them those that are added.
  mentions(doc) {
    const { entities } = doc.record;
    const added = this.decisions.get(doc.key)?.mentions || [];
    if (!added.length) return entities;
    const used = new Set(entities.map(({ id }) => id));
    const all = [...entities];
    for (const mention of added) {
      let number = all.length + 1;
      while (used.has(`N${number}`)) number += 1;
      used.add(`N${number}`);
      all.push({ id: `N${number}`, ...mention });
    }
    return all;
  }

  // The relations of a document as they are drawn.
  relations(i) {
    const doc = this.docs[i];
    return this.of(i).relations.map((relation) => {
      const known = relation.origin === null ? {} : doc.relations[relation.origin];
      const status = relation.origin === null ? "" : doc.statuses[relation.origin] || "";
      let score = known.score === undefined ? 1 : known.score;
      if (status === "missed") score = null; // nothing was predicted
      if (relation.state === "accepted") score = 1;
      const polarity = known.polarity === "asserted" ? "" : known.polarity;
      return { ...relation, score, status, polarity };
    });
  }

  // The events of a document as they are listed.
  events(i) {
    const { events = [] } = this.of(i);
    return this.docs[i].events.map((event, index) => {
      const state = events[index] || "open";
      return { ...event, index, state, score: state === "accepted" ? 1 : event.score };
    });
  }

  // Change the decisions about a document: `change` gets a copy of them.
  change(i, change) {
    const before = this.decisions.get(this.docs[i].key) || null;
    const after = JSON.parse(JSON.stringify(this.of(i)));
    change(after);
    this.past.push({ i, before, after });
    this.future = [];
    this.put(i, after);
  }

  put(i, decisions) {
    const { key } = this.docs[i];
    if (decisions) this.decisions.set(key, decisions);
    else this.decisions.delete(key);
    if (this.onchange) this.onchange(i);
  }

  undo() {
    const last = this.past.pop();
    if (!last) return null;
    this.future.push(last);
    this.put(last.i, last.before);
    return last.i;
  }

  redo() {
    const next = this.future.pop();
    if (!next) return null;
    this.past.push(next);
    this.put(next.i, next.after);
    return next.i;
  }

  get nDone() {
    return this.docs.filter((doc) => this.decisions.get(doc.key)?.done).length;
  }

  // A document with its annotations after review, as the package's own format has it.
  record(i) {
    const doc = this.docs[i];
    const entities = this.mentions(doc);
    const status = ({ origin }) => (origin === null ? "" : doc.statuses[origin]);
    const kept = this.of(i).relations.filter((relation) => !isLeftOut(relation.state, status(relation)));
    const used = new Set(kept.flatMap(({ head, tail }) => [head, tail]));
    const relations = kept.map(({ origin, head, tail, label, state }) => {
      const known = origin === null ? {} : { ...doc.relations[origin] };
      if (state === "accepted") delete known.score; // it is certain
      return { ...known, head: entities[head].id, tail: entities[tail].id, label };
    });
    const events = this.events(i).filter(({ state, status }) => !isLeftOut(state, status)).map(({ index, state }) => {
      const known = { ...doc.record.events[index] };
      if (state === "accepted") delete known.score;
      return known;
    });
    const inEvents = new Set();
    for (const { trigger, arguments: parts } of events) {
      for (const id of [trigger, ...parts.map(({ mention }) => mention)]) inEvents.add(JSON.stringify(id));
    }
    const isUsed = ({ id }, k) => used.has(k) || inEvents.has(JSON.stringify(id));
    const mentions = entities.filter((entity, k) => !doc.missed.includes(k) || isUsed(entity, k));
    const { events: _, ...rest } = doc.record;
    return { ...rest, entities: mentions, relations, ...(events.length ? { events } : {}) };
  }

  // The documents that are done, one a line.
  lines() {
    const done = this.docs.map((_, i) => i).filter((i) => this.of(i).done);
    return done.map((i) => JSON.stringify(this.record(i)) + "\n").join("");
  }
}

const isLeftOut = (state, status) => state === "rejected" || (state === "open" && status === "missed");

// What is decided with the relation that is chosen.
const ACTIONS = {
  accept: (relation) => (relation.state = "accepted"),
  reject: (relation) => (relation.state = "rejected"),
  open: (relation) => (relation.state = "open"),
  reverse: (relation) => {
    [relation.head, relation.tail] = [relation.tail, relation.head];
    relation.state = "accepted";
  },
};

function decide(i, index, action) {
  if (!review.isOn || i === null || index === null) return;
  review.change(i, (decisions) => {
    ACTIONS[action](decisions.relations[index]);
    finish(i, decisions);
  });
}

// A document is done when each relation and event that it has is decided.
function finish(i, decisions) {
  const { statuses, events } = docs[i];
  const isOpen = (state, status) => state === "open" && status !== "missed";
  const states = decisions.events?.length ? decisions.events : events.map(() => "open");
  decisions.done =
    !decisions.relations.some(({ state, origin }) => isOpen(state, origin === null ? "" : statuses[origin])) &&
    !states.some((state, k) => isOpen(state, events[k].status));
}

async function relabel(i, index) {
  if (!review.isOn || i === null || index === null) return;
  const { label } = review.relations(i)[index];
  const chosen = await askLabel(label);
  if (chosen === null) return;
  review.change(i, (decisions) => {
    Object.assign(decisions.relations[index], { label: chosen, state: "accepted" });
    finish(i, decisions);
  });
}

// Pick a mention: the first one is the head of a new relation, the second one its tail.
async function pick(i, mention) {
  if (!picked || picked.doc !== i) {
    picked = { doc: i, mention };
    showPicked();
    return;
  }
  const head = picked.mention;
  unpick();
  const [a, b] = [head, mention].map((k) => review.mentions(docs[i])[k]);
  if (a.start === b.start && a.end === b.end) return;
  const label = await askLabel("");
  if (label === null) return;
  review.change(i, (decisions) => {
    decisions.relations.push({ origin: null, head, tail: mention, label, state: "accepted" });
    current = { doc: i, relation: decisions.relations.length - 1, event: null };
    finish(i, decisions);
  });
}

function unpick() {
  picked = null;
  showPicked();
}

function showPicked() {
  for (const node of document.querySelectorAll(".picked")) node.classList.remove("picked");
  const nodes = picked ? articles.get(picked.doc).node.querySelectorAll(`[data-m="${picked.mention}"]`) : [];
  for (const node of nodes) node.classList.add("picked");
  const text = picked ? `New relation from “${mentionText(docs[picked.doc], picked.mention)}”: choose its tail, or Escape` : "";
  byId("hint").textContent = text;
}

const isType = (label) => label && Array.from(label).length <= 200 && label !== "NO_RELATION";

// Show a dialog until a button, Escape or what is returned ends it; `done` is told whether it is OK. It is
// told at once: a close event comes later, perhaps when the next dialog is open.
function ask(dialog, done) {
  const end = (isOk) => {
    dialog.close();
    done(isOk);
  };
  dialog.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    end(event.submitter?.value === "ok");
  };
  dialog.onclose = () => dialog.open || done(false);
  dialog.showModal();
  return end;
}

// Ask for a relation type; null if the person does not want to.
function askLabel(label) {
  const [dialog, input, choices] = [byId("relabel"), byId("label"), byId("choices")];
  const fill = () => {
    const wanted = input.value.trim().toLowerCase();
    const fitting = data.labels.filter((name) => name.toLowerCase().includes(wanted));
    choices.replaceChildren(...fitting.map((name) => new Option(name, name)));
    choices.selectedIndex = wanted ? 0 : -1;
  };
  input.value = "";
  input.placeholder = label || "relation type";
  fill();
  return new Promise((resolve) => {
    const end = ask(dialog, (isOk) => {
      const typed = input.value.trim();
      const chosen = data.labels.includes(typed) ? typed : choices.value || typed;
      const isValid = isOk && isType(chosen);
      if (isValid && !data.labels.includes(chosen)) data.labels.push(chosen);
      resolve(isValid ? chosen : null);
    });
    input.oninput = fill;
    choices.ondblclick = () => end(true);
    input.onkeydown = choices.onkeydown = (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        end(true);
      } else if (event.target === input && event.key === "ArrowDown") choices.focus();
    };
    input.focus();
  });
}

// Parts of the page

// The buttons of a row: text, title, whether it is on, and what it does with what `select` has chosen.
function decisionCell(select, buttons) {
  const cell = element("td", "decision");
  for (const [text, title, isOn, act] of buttons) {
    const button = element("button", isOn ? "on" : "", text);
    button.type = "button";
    button.title = title;
    button.setAttribute("aria-label", title);
    button.setAttribute("aria-pressed", isOn);
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      select();
      act();
    });
    cell.append(button);
  }
  return cell;
}

function verdictButtons(state, act) {
  const toggle = (name, wanted) => () => act(state === wanted ? "open" : name);
  return [
    ["✓", "accept (a)", state === "accepted", toggle("accept", "accepted")],
    ["✕", "reject (x)", state === "rejected", toggle("reject", "rejected")],
  ];
}

function relationDecisions(i, { state, index }) {
  const select = () => (current = { doc: i, relation: index, event: null });
  return decisionCell(select, [
    ...verdictButtons(state, (name) => decide(i, index, name)),
    ["⇄", "reverse (r)", false, () => decide(i, index, "reverse")],
    ["✎", "other type (l)", false, () => relabel(i, index)],
  ]);
}

function doneBox(i) {
  const label = element("label", "done");
  const box = element("input");
  box.type = "checkbox";
  box.checked = review.of(i).done;
  box.addEventListener("change", () => setDone(i));
  label.append(box, " done");
  return label;
}

// Accept whatever is open in a document, or take back that it is done.
function setDone(i) {
  if (!review.isOn || i === null) return;
  review.change(i, (decisions) => {
    decisions.done = !decisions.done;
    if (!decisions.done) return;
    for (const relation of decisions.relations) {
      const isMissed = relation.origin !== null && docs[i].statuses[relation.origin] === "missed";
      if (relation.state === "open" && !isMissed) relation.state = "accepted";
    }
    const { events } = docs[i];
    if (!decisions.events?.length) decisions.events = events.map(() => "open");
    decisions.events = decisions.events.map((state, k) =>
      state === "open" && events[k].status !== "missed" ? "accepted" : state,
    );
  });
}

const KEYS = {
  j: () => step(1, false),
  k: () => step(-1, false),
  n: () => step(1, true),
  p: () => step(-1, true),
  a: () => decideCurrent("accept"),
  x: () => decideCurrent("reject"),
  o: () => decideCurrent("open"),
  r: () => decide(current.doc, current.relation, "reverse"),
  l: () => relabel(current.doc, current.relation),
  m: () => addMention(),
  d: () => setDone(current.doc),
  u: () => retrace("undo"),
  U: () => retrace("redo"),
  s: () => review.isOn && download(),
  "/": () => byId("search").focus(),
  "?": () => byId("help").showModal(),
};

const goTo = (i) => i !== null && (current.doc === i ? choose(i, current.relation, current.event) : choose(i, null));

// Undo or redo; the number of the mention that is picked may be that of another one then.
function retrace(step) {
  unpick();
  goTo(review[step]());
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, dialog")) return;
  const mention = event.target.closest(".rel-mention");
  if (event.key === "Escape") unpick();
  else if (event.key === "Enter" && mention && review.isOn) {
    event.preventDefault();
    pick(Number(mention.closest("article").dataset.doc), Number(mention.dataset.m));
  } else if (Object.hasOwn(KEYS, event.key)) {
    event.preventDefault();
    KEYS[event.key]();
  }
}

function startReview() {
  const keeper = new Keeper();
  const show = () => {
    document.body.classList.toggle("reviewing", review.isOn);
    byId("progress").textContent = `${review.nDone} of ${docs.length} done`;
  };
  review.onchange = (i) => {
    redraw(i);
    show();
    keeper.change(i);
  };
  document.addEventListener("keydown", onKey);
  byId("documents").addEventListener("click", (event) => {
    const mention = review.isOn && getSelection().isCollapsed && event.target.closest(".rel-mention");
    if (mention) pick(Number(mention.closest("article").dataset.doc), Number(mention.dataset.m));
  });
  byId("review").setAttribute("aria-pressed", review.isOn);
  byId("review").addEventListener("click", () => {
    review.isOn = !review.isOn;
    byId("review").setAttribute("aria-pressed", review.isOn);
    show();
    list();
  });
  byId("download").addEventListener("click", download);
  byId("undo").addEventListener("click", KEYS.u);
  byId("mention").addEventListener("click", KEYS.m);
  addEventListener("beforeunload", (event) => {
    keeper.save();
    if (keeper.changed.size || (keeper.isServed && keeper.isSaving)) event.preventDefault();
  });
  keeper.load().then(() => {
    show();
    list();
  });
}
