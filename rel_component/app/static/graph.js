// The page of a graph. No more is drawn than what a reader has chosen, and neighbours of it.
(() => {
  "use strict";
  const STEP = 24; // neighbours that are added at a time
  const MOST = 400; // nodes that are drawn
  const LISTED = 200; // edges in the list of a node
  const FOUND = 12; // names that a search shows
  const LETTERS = 28; // of a name in the drawing
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("graph-data").textContent);

  const nodes = data.nodes.map(([id, name, type, kbId, aliases], i) => ({
    i, id, name, type, kbId, aliases, edges: [],
    key: [name, kbId, ...aliases].join("\n").toLowerCase(),
  }));
  const edges = data.edges.map(([head, label, tail, count, documents, score, first, last, rule], i) => ({
    i, head, label: data.labels[label], tail, count, documents, score, first, last, rule,
  }));
  for (const edge of edges) {
    nodes[edge.head].edges.push(edge);
    if (edge.tail !== edge.head) nodes[edge.tail].edges.push(edge);
  }
  const filters = { labels: new Set(), score: 0, inferred: true };
  let current = null; // the node that the list is about
  let chosen = null; // the edge whose sentences are shown

  const element = (name, className = "", text = "") => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };
  const bdi = (text, className = "") => element("bdi", className, text);
  const short = (text) => {
    const letters = Array.from(text.slice(0, 2 * LETTERS + 2)); // and not all of a long one
    return letters.length > LETTERS ? `${letters.slice(0, LETTERS - 1).join("")}…` : text;
  };
  const passes = (edge) =>
    (!filters.labels.size || filters.labels.has(edge.label)) &&
    (edge.score == null || edge.score >= filters.score) &&
    (filters.inferred || !edge.rule);
  const other = (edge, node) => nodes[edge.head === node.i ? edge.tail : edge.head];
  const plural = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

  // The drawing

  const cy = cytoscape({
    container: byId("canvas"), minZoom: 0.05, maxZoom: 3, boxSelectionEnabled: false,
  });
  // A color of the style sheet, light or dark, as the drawing takes it.
  const color = (value) => {
    const probe = element("i");
    probe.style.color = value;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const hue = (text) => {
    let hash = 0;
    for (const letter of text) hash = (hash * 31 + letter.codePointAt(0)) % 360;
    return hash;
  };
  function paint() {
    const [ink, soft, bg, accent] = ["--ink", "--soft", "--bg", "--accent"].map((name) => color(`var(${name})`));
    const type = (node) => {
      const h = hue(node.data("type"));
      return color(`light-dark(hsl(${h} 55% 45%), hsl(${h} 50% 62%))`);
    };
    cy.style([
      { selector: "node", style: {
        label: "data(label)", color: ink, "font-size": 11, "text-valign": "bottom", "text-margin-y": 3,
        "background-color": type, width: "data(size)", height: "data(size)", "min-zoomed-font-size": 6,
      } },
      { selector: "edge", style: {
        label: "data(label)", color: soft, "font-size": 9, width: "data(width)", "curve-style": "bezier",
        "line-color": soft, "target-arrow-color": soft, "target-arrow-shape": "triangle", "arrow-scale": 0.8,
        "text-rotation": "autorotate", "text-background-color": bg, "text-background-opacity": 0.8,
        "text-background-padding": 1, "min-zoomed-font-size": 7,
      } },
      { selector: "edge.inferred", style: { "line-style": "dashed" } },
      { selector: "edge.contradiction", style: { "line-color": color("var(--bad)"), "target-arrow-color": color("var(--bad)") } },
      { selector: ".current", style: { "border-width": 4, "border-color": accent } },
      { selector: "edge.chosen", style: { "line-color": accent, "target-arrow-color": accent, color: accent, width: 4 } },
    ]);
  }
  const contradicting = new Set(data.contradictions.flatMap((found) => found.edges));

  const drawn = () => cy.nodes().map((node) => Number(node.id().slice(1)));

  // Draw the edges between the nodes that are there, as the filters choose.
  function drawEdges() {
    const there = new Set(drawn());
    const wanted = new Map();
    for (const i of there) {
      for (const edge of nodes[i].edges) {
        if (there.has(edge.head) && there.has(edge.tail) && passes(edge)) wanted.set(`e${edge.i}`, edge);
      }
    }
    cy.batch(() => {
      cy.edges().filter((line) => !wanted.has(line.id())).remove();
      for (const [id, edge] of wanted) {
        if (cy.getElementById(id).nonempty()) continue;
        const classes = [edge.rule && "inferred", contradicting.has(edge.i) && "contradiction"];
        cy.add({
          group: "edges",
          data: {
            id, source: `n${edge.head}`, target: `n${edge.tail}`, label: short(edge.label),
            width: 1 + Math.min(4, Math.log2(1 + edge.documents) / 2),
          },
          classes: classes.filter(Boolean),
        });
      }
    });
    const text = `${plural(cy.nodes().length, "node")} and ${plural(cy.edges().length, "edge")} drawn`;
    byId("canvas").setAttribute("aria-label", `${text}; the list beside it has the same edges`);
    const { counts } = data;
    const part = edges.length < counts.edges ? `, the ${edges.length} most frequent of them here` : "";
    byId("count").textContent =
      `${text}; ${plural(counts.nodes, "node")} and ${plural(counts.edges, "edge")} in all${part}`;
  }

  // Add nodes around a node that is drawn.
  function add(list, around) {
    const place = around && cy.getElementById(`n${around.i}`);
    const center = place && place.nonempty() ? place.position() : { x: 0, y: 0 };
    list.forEach((node, k) => {
      if (cy.getElementById(`n${node.i}`).nonempty()) return;
      const angle = (2 * Math.PI * k) / list.length;
      cy.add({
        group: "nodes",
        data: {
          id: `n${node.i}`, label: short(node.name), type: node.type,
          size: 14 + Math.min(26, 3 * Math.sqrt(node.edges.length)),
        },
        position: { x: center.x + 120 * Math.cos(angle), y: center.y + 120 * Math.sin(angle) },
      });
    });
  }

  function arrange() {
    cy.resize();
    const n = cy.nodes().length;
    cy.layout({
      name: "cose", animate: false, randomize: false, fit: true, padding: 40, nodeDimensionsIncludeLabels: true,
      numIter: n > 150 ? 200 : 500, idealEdgeLength: () => 90, nodeRepulsion: () => 12000, componentSpacing: 80,
    }).run();
    if (cy.zoom() > 1.6) { cy.zoom(1.6); cy.center(); }
  }

  // Choose a node: it and its best neighbours are drawn.
  function show(node, { more = false } = {}) {
    const isNew = cy.getElementById(`n${node.i}`).empty();
    const there = new Set(drawn());
    const new_ = [];
    for (const edge of node.edges) {
      const neighbour = other(edge, node);
      if (new_.length < STEP && passes(edge) && neighbour !== node && !there.has(neighbour.i)) {
        there.add(neighbour.i);
        new_.push(neighbour);
      }
    }
    if (isNew || more || current !== node) {
      if (there.size > MOST) reset(); // a drawing of all is no drawing
      add([node], current);
      add(new_, node);
      current = node;
      drawEdges();
      arrange();
    }
    current = node;
    cy.elements(".current").removeClass("current");
    cy.getElementById(`n${node.i}`).addClass("current");
    listNode();
  }

  function reset() {
    cy.elements().remove();
  }

  // The list

  function edgeText(edge, node) {
    const text = document.createDocumentFragment();
    const ends = node && edge.head === node.i ? [null, edge.tail] : node ? [edge.head, null] : [edge.head, edge.tail];
    if (ends[0] != null) text.append(bdi(short(nodes[ends[0]].name)), " ");
    text.append("→ ", bdi(edge.label, "relation"), " → ");
    if (ends[1] != null) text.append(bdi(short(nodes[ends[1]].name)));
    const figures = [edge.score == null ? "" : edge.score.toFixed(2), edge.rule ? `inferred: ${edge.rule}` : plural(edge.documents, "document")];
    text.append(" ", element("span", "soft", figures.filter(Boolean).join(" · ")));
    return text;
  }

  function edgeButton(edge, node) {
    const button = element("button");
    button.type = "button";
    button.append(edgeText(edge, node));
    button.dataset.edge = edge.i;
    if (edge === chosen) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => choose(edge));
    return button;
  }

  function listNode() {
    const box = byId("node");
    box.replaceChildren();
    if (!current) return;
    const title = element("h2");
    title.append(bdi(current.name.slice(0, 500)));
    const facts = element("p", "soft");
    facts.append(bdi(current.type), current.kbId ? " · " : "", bdi(current.kbId.slice(0, 200)));
    box.append(title, facts);
    if (current.aliases.length) {
      const aliases = element("p", "soft", "also ");
      current.aliases.forEach((name, i) => aliases.append(i ? ", " : "", bdi(short(name))));
      box.append(aliases);
    }
    const passing = current.edges.filter(passes);
    const list = element("ul");
    for (const edge of passing.slice(0, LISTED)) {
      const row = element("li");
      row.append(edgeButton(edge, current));
      const neighbour = other(edge, current);
      if (neighbour !== current) {
        const go = element("button", "", "⊕");
        go.type = "button";
        go.title = "show its neighbours";
        go.setAttribute("aria-label", `Show the neighbours of ${short(neighbour.name)}`);
        go.addEventListener("click", () => { show(neighbour); focusList(); });
        row.append(go);
      }
      list.append(row);
    }
    const hidden = current.edges.length - passing.length;
    box.append(element("h3", "", plural(passing.length, "edge") + (hidden ? `, ${hidden} left out by the filters` : "")), list);
    if (passing.length > LISTED) box.append(element("p", "soft", `and ${passing.length - LISTED} more; filters make them fewer`));
    const there = new Set(drawn());
    const left = new Set(passing.map((edge) => other(edge, current).i).filter((i) => !there.has(i)));
    if (left.size) {
      const more = element("button", "", `Draw ${Math.min(STEP, left.size)} more of ${plural(left.size, "neighbour")}`);
      more.type = "button";
      more.id = "more";
      more.addEventListener("click", () => show(current, { more: true }));
      box.append(more);
    }
  }

  const focusList = () => { const first = byId("node").querySelector("button"); if (first) first.focus(); };

  // The sentences of an edge.
  function choose(edge) {
    chosen = edge;
    for (const end of [nodes[edge.head], nodes[edge.tail]]) add([end], current || end);
    drawEdges();
    cy.elements(".chosen").removeClass("chosen");
    cy.getElementById(`e${edge.i}`).addClass("chosen");
    for (const button of document.querySelectorAll("button[data-edge]")) {
      button.toggleAttribute("aria-current", false);
      if (Number(button.dataset.edge) === edge.i) button.setAttribute("aria-current", "true");
    }
    const box = byId("edge");
    box.replaceChildren();
    const title = element("h2");
    title.append(bdi(short(nodes[edge.head].name)), " → ", bdi(edge.label.slice(0, 200), "relation"), " → ", bdi(short(nodes[edge.tail].name)));
    box.append(title, element("p", "soft", figures(edge)));
    const pieces = data.evidence[edge.i];
    for (const piece of pieces) box.append(quotation(piece));
    if (edge.count > pieces.length) box.append(element("p", "soft", `and ${edge.count - pieces.length} more`));
    box.scrollIntoView({ block: "nearest" });
  }

  function figures(edge) {
    if (edge.rule) return `inferred: ${edge.rule === "closure" ? "by a path of this type" : "the inverse is stated"}`;
    const parts = [edge.score == null ? "score not known" : `score ${edge.score.toFixed(2)}`, plural(edge.documents, "document")];
    if (edge.first) parts.push(edge.first === edge.last ? edge.first : `${edge.first} to ${edge.last}`);
    return parts.join(" · ");
  }

  function quotation([documentId, date, score, text, headStart, headEnd, tailStart, tailEnd]) {
    const quote = element("blockquote");
    quote.dir = "auto";
    const letters = Array.from(text); // offsets count code points
    const marks = [[headStart, headEnd, "head"], [tailStart, tailEnd, "tail"]].sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    let position = 0;
    for (const [start, end, className] of marks) {
      if (start < position) continue; // inside of the other one
      quote.append(letters.slice(position, start).join(""));
      const mark = element("mark", className, letters.slice(start, end).join(""));
      mark.title = className;
      quote.append(mark);
      position = Math.max(start, Math.min(end, letters.length));
    }
    quote.append(letters.slice(position).join(""));
    const source = element("footer", "soft");
    const facts = [date, score == null ? "" : score.toFixed(2)].filter(Boolean).join(" · ");
    source.append(bdi(documentId.slice(0, 200)), facts ? ` · ${facts}` : "");
    quote.append(source);
    return quote;
  }

  function listContradictions() {
    const box = byId("contradictions");
    const { contradictions, counts } = data;
    if (!contradictions.length) return;
    box.hidden = false;
    const part = contradictions.length < counts.contradictions ? `, the first ${contradictions.length} of them here` : "";
    box.querySelector("summary").textContent = plural(counts.contradictions, "contradiction") + part;
    const list = box.querySelector("ul");
    box.addEventListener("toggle", () => {
      if (!box.open || list.childElementCount) return;
      for (const found of contradictions) {
        const title = element("h3");
        title.append(`${found.kind}: `, bdi(data.labels[found.label].slice(0, 200)), " · ", bdi(short(nodes[found.node].name)));
        const rows = found.edges.slice(0, 20).map((i) => {
          const row = element("li");
          row.append(edgeButton(edges[i], null));
          return row;
        });
        const group = element("ul");
        group.append(...rows);
        const item = element("li");
        const inner = element("div");
        inner.append(title, group);
        item.append(inner);
        list.append(item);
      }
    });
  }

  // Search

  const search = byId("search");
  const found = byId("found");
  let hits = [];
  let at = -1;

  function find() {
    const text = search.value.trim().toLowerCase();
    hits = [];
    if (text) {
      const rank = (node) => {
        const name = node.name.toLowerCase();
        return name === text ? 0 : name.startsWith(text) ? 1 : name.includes(text) ? 2 : 3;
      };
      hits = nodes.filter((node) => node.key.includes(text));
      hits.sort((a, b) => rank(a) - rank(b) || b.edges.length - a.edges.length || a.i - b.i);
      hits = hits.slice(0, FOUND);
    }
    found.replaceChildren(...hits.map((node, i) => {
      const item = element("li");
      item.id = `hit${i}`;
      item.setAttribute("role", "option");
      item.append(bdi(short(node.name)), " ", element("span", "soft", `${short(node.type)} · ${plural(node.edges.length, "edge")}`));
      item.addEventListener("mousedown", (event) => { event.preventDefault(); pick(i); });
      return item;
    }));
    if (text && !hits.length) found.append(element("li", "soft", "no node of that name"));
    open(Boolean(text));
    point(hits.length ? 0 : -1);
  }

  function open(isOpen) {
    found.hidden = !isOpen;
    search.setAttribute("aria-expanded", String(isOpen));
  }

  function point(i) {
    at = i;
    Array.from(found.children).forEach((item, k) => item.setAttribute("aria-selected", String(k === i)));
    if (i >= 0) search.setAttribute("aria-activedescendant", `hit${i}`);
    else search.removeAttribute("aria-activedescendant");
  }

  function pick(i) {
    if (!hits[i]) return;
    const node = hits[i];
    open(false);
    reset();
    current = null;
    show(node);
    focusList();
  }

  search.addEventListener("input", find);
  search.addEventListener("blur", () => open(false));
  search.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && hits.length) {
      open(true);
      point((at + step + hits.length) % hits.length);
      event.preventDefault();
    } else if (event.key === "Enter") {
      pick(at);
      event.preventDefault();
    } else if (event.key === "Escape") open(false);
  });

  // Filters and keys

  function filtered() {
    drawEdges();
    listNode();
  }
  for (const label of data.labels.slice(0, 200)) {
    const chip = element("button", "chip", label.slice(0, 200));
    chip.type = "button";
    chip.dir = "auto";
    chip.setAttribute("aria-pressed", "false");
    chip.addEventListener("click", () => {
      const isOn = filters.labels.delete(label) ? false : Boolean(filters.labels.add(label));
      chip.setAttribute("aria-pressed", String(isOn));
      filtered();
    });
    byId("labels").append(chip);
  }
  byId("score").addEventListener("input", () => {
    filters.score = Number(byId("score").value);
    byId("least").textContent = filters.score.toFixed(2);
    filtered();
  });
  byId("inferred").addEventListener("change", () => {
    filters.inferred = byId("inferred").checked;
    filtered();
  });
  if (!edges.some((edge) => edge.rule)) byId("inferred").parentElement.hidden = true;

  const start = () => {
    reset();
    current = chosen = null;
    byId("edge").replaceChildren();
    const first = nodes.reduce((best, node) => (best && best.edges.length >= node.edges.length ? best : node), null);
    if (first) show(first);
    else drawEdges();
  };
  const fit = () => cy.fit(undefined, 40);
  byId("clear").addEventListener("click", start);
  byId("fit").addEventListener("click", fit);
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { search.focus(); search.select(); event.preventDefault(); }
    if (event.key === "f") fit();
    if (event.key === "c") start();
  });
  cy.on("tap", "node", (event) => show(nodes[Number(event.target.id().slice(1))]));
  cy.on("tap", "edge", (event) => choose(edges[Number(event.target.id().slice(1))]));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  paint();
  listContradictions();
  start();
  window.RelGraph = { cy, nodes, edges }; // for tests
})();
