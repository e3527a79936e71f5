// Draws relations as arcs over the text of a document.
//
// The browser breaks the text into lines. Each line then becomes a block of its own, with room for
// arcs above and an SVG over it, so that the drawing holds in any font, at any width, on paper and from
// right to left. Arcs between two lines pass through lanes in the margins.
const RelView = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const STEP = 19; // from one level of arcs to the next, pixels
  const BEND = 6; // radius of corners
  const LANE = 7; // from one lane to the next
  const GAP = 6; // least space between arcs of one level
  const APART = 100; // arcs that pass a line, each of which can be pointed at
  const LONGEST = 32; // characters of a label
  const PAPER = 660; // width that fits on A4 and Letter
  const views = new Set();
  let lit = null; // the view whose evidence is brought out

  const element = (name, classes, text) => {
    const made = document.createElement(name);
    if (classes) made.className = classes;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const shape = (name, attributes, text) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const short = (text) => {
    const letters = Array.from(text);
    return letters.length > LONGEST ? letters.slice(0, LONGEST - 1).join("") + "…" : text;
  };
  const caption = (relation) => {
    const sign = relation.sign ? relation.sign + " " : "";
    const isSure = relation.score == null || relation.score === 1; // not known, or annotated
    const score = isSure ? "" : " " + relation.score.toFixed(2);
    const polarity = relation.polarity ? ` (${relation.polarity})` : "";
    return sign + short(relation.label) + polarity + score;
  };

  // Where the browser has begun a new line: text nodes and offsets in them.
  function lineStarts(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    const starts = [];
    let bottom = -Infinity; // of the line
    const boxes = (node, from, to) => {
      range.setStart(node, from);
      range.setEnd(node, to);
      return Array.from(range.getClientRects()).filter((box) => box.height);
    };
    const below = (node, from, to) =>
      boxes(node, from, to).find((box) => (box.top + box.bottom) / 2 > bottom);
    // The least place after `from` before which something lies below the line; 0 if nothing does.
    const nextBreak = (node, from) => {
      let [low, high] = [from, from];
      for (let reach = 64; high === from || !below(node, from, high); reach *= 2) {
        if (high === node.length) return 0;
        [low, high] = [high, Math.min(node.length, from + reach)];
      }
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (below(node, from, middle)) high = middle;
        else low = middle;
      }
      return high;
    };
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (let from = 0, next = 0; (next = nextBreak(node, from)); from = next) {
        let at = next - 1;
        if (at > 0 && /[\udc00-\udfff]/.test(node.data[at])) at -= 1; // half of a character
        starts.push([node, at]);
        bottom = below(node, from, next).bottom;
      }
    }
    return starts;
  }

  // The lines of a text as elements; marked-up parts that go over several lines are in each of them.
  function splitLines(root) {
    const places = lineStarts(root).map(([node, at]) => {
      while (at === 0 && !node.previousSibling && node.parentNode !== root) node = node.parentNode;
      return [node, at];
    });
    return places.map(([node, at], i) => {
      const range = document.createRange();
      range.selectNodeContents(root);
      if (i > 0) at ? range.setStart(node, at) : range.setStartBefore(node);
      const [next, end] = places[i + 1] || [];
      if (next) end ? range.setEnd(next, end) : range.setEndBefore(next);
      const line = element("div", "rel-line");
      line.append(range.cloneContents());
      return line;
    });
  }

  // The first lane that is free from line `low` to `high`, which it takes; `taken`: a bit for each lane, by line.
  function freeLane(taken, low, high) {
    let used = 0n;
    for (let line = low; line <= high; line += 1) used |= taken[line] || 0n;
    const lane = ~used & (used + 1n); // the lowest bit that is 0
    for (let line = low; line <= high; line += 1) taken[line] = (taken[line] || 0n) | lane;
    return lane.toString(2).length - 1;
  }

  class View {
    // root: an element with .rel-text, whose mentions have data-m;
    // relations: [{head, tail, label, score, title, style, status, sign, evidence}]; head and tail as in
    // data-m, status: classes, evidence: [[start, end]] in the text, as strings count it; onselect: called with the position of a relation that is clicked.
    constructor(root, relations, onselect) {
      this.root = root;
      this.text = root.querySelector(".rel-text");
      this.lines = element("div", "rel-lines");
      this.lines.dir = getComputedStyle(this.text).direction;
      this.text.after(this.lines);
      this.relations = relations;
      this.onselect = onselect;
      this.selected = null;
      const on = (name, act) => root.addEventListener(name, act);
      const near = (event) => event.target.closest("[data-r], [data-m], [data-e]");
      on("mouseover", (event) => this.emphasise(near(event)));
      on("mouseleave", () => this.emphasise(null));
      on("focusin", (event) => this.emphasise(near(event)));
      on("focusout", () => this.emphasise(null));
      on("click", (event) => {
        const found = event.target.closest("[data-r]");
        if (found && this.onselect) this.onselect(Number(found.dataset.r));
      });
      this.observer = new ResizeObserver(() => {
        if (this.root.clientWidth !== this.width) requestAnimationFrame(() => this.draw());
      });
      this.observer.observe(root);
      views.add(this);
      this.draw();
    }

    remove() {
      this.observer.disconnect();
      views.delete(this);
    }

    set(relations) {
      this.relations = relations;
      this.draw();
    }

    draw() {
      this.width = this.root.clientWidth;
      if (!this.width || !this.root.isConnected) return;
      let lanes = { left: 0, right: 0 };
      for (let pass = 0; pass < 2; pass += 1) {
        this.layOut(lanes);
        const ends = this.relations.map((relation, i) => this.connect(relation, i));
        this.arcs = ends.filter(Boolean);
        const found = this.assignLanes();
        const settled = found.left <= lanes.left && found.right <= lanes.right;
        lanes = found;
        if (settled) break;
      }
      this.lanes = lanes;
      this.spread();
      this.drawLines();
      this.select(this.selected);
    }

    // Break the text into lines that leave room for lanes in the margins.
    layOut(lanes) {
      const most = Math.max(14, this.width * 0.1);
      for (const side of ["left", "right"]) {
        const wanted = lanes[side] ? lanes[side] * LANE + 8 : 0;
        this[side] = Math.min(wanted, most);
        this.root.style.setProperty("--rel-" + side, this[side] + "px");
      }
      this.text.hidden = false;
      const lines = splitLines(this.text);
      this.text.hidden = true;
      this.lines.replaceChildren(...lines);
      this.pieces = new Map();
      this.frames = lines.map((line) => line.getBoundingClientRect());
      lines.forEach((line, i) => {
        for (const piece of line.querySelectorAll("[data-m]")) {
          const box = piece.getBoundingClientRect();
          const [left, right] = [box.left - this.frames[i].left, box.right - this.frames[i].left];
          const list = this.pieces.get(piece.dataset.m) || [];
          const [top, bottom] = [box.top - this.frames[i].top, box.bottom - this.frames[i].bottom];
          list.push({ line: i, left, right, top, bottom, ends: [] });
          this.pieces.set(piece.dataset.m, list);
        }
      });
    }

    // The parts of two mentions that are nearest to each other, joined by an arc.
    connect(relation, index) {
      let best = null;
      for (const head of this.pieces.get(String(relation.head)) || []) {
        for (const tail of this.pieces.get(String(relation.tail)) || []) {
          const distance = Math.abs(head.line - tail.line);
          if (!best || distance < best.distance) best = { head, tail, distance };
        }
      }
      if (!best) return null;
      const middle = (piece) => (piece.left + piece.right) / 2;
      const [from, to] = [middle(best.head), middle(best.tail)];
      const width = this.frames[best.head.line].width;
      const side = best.distance === 0 ? null : from + to <= width ? "left" : "right";
      const arc = { ...best, relation, index, side, caption: caption(relation) };
      arc.label = measure(arc.caption, this.root) + 6;
      const far = (piece, other) =>
        side ? (side === "left" ? -1e6 : 1e6) : middle(other) - middle(piece);
      arc.start = { arc, reach: far(best.head, best.tail) || 1 };
      arc.end = { arc, reach: far(best.tail, best.head) || -1 };
      best.head.ends.push(arc.start);
      best.tail.ends.push(arc.end);
      return arc;
    }

    // A lane for each arc between lines; short ones are next to the text.
    assignLanes() {
      const taken = { left: [], right: [] };
      const count = { left: 0, right: 0 };
      const between = this.arcs.filter((arc) => arc.side);
      for (const arc of between.sort((a, b) => a.distance - b.distance)) {
        const lines = [arc.head.line, arc.tail.line];
        arc.lane = freeLane(taken[arc.side], Math.min(...lines), Math.max(...lines));
        count[arc.side] = Math.max(count[arc.side], arc.lane + 1);
      }
      return count;
    }

    // Spread the ends of arcs over the width of their mention, so that nested arcs do not cross.
    spread() {
      for (const piece of Array.from(this.pieces.values()).flat()) {
        piece.ends.sort((a, b) => 1 / a.reach - 1 / b.reach);
        const width = piece.right - piece.left;
        piece.ends.forEach((end, i) => {
          end.x = piece.left + (width * (i + 1)) / (piece.ends.length + 1);
        });
      }
    }

    laneX(arc) {
      const room = this[arc.side];
      const step = Math.min(LANE, (room - 6) / Math.max(1, this.lanes[arc.side]));
      const away = 4 + step * (arc.lane + 0.5);
      return arc.side === "left" ? room - away : this.frames[0].width - room + away;
    }

    drawLines() {
      const segments = this.frames.map(() => []);
      const through = this.frames.map(() => []);
      for (const arc of this.arcs) {
        const [head, tail] = [arc.head, arc.tail];
        if (!arc.side) {
          segments[head.line].push(this.segment(arc, arc.start.x, arc.end.x, true));
          continue;
        }
        arc.x = this.laneX(arc);
        const parts = [this.segment(arc, arc.start.x, arc.x, true), this.segment(arc, arc.end.x, arc.x, false)];
        dropCaption(parts);
        segments[head.line].push(parts[0]);
        segments[tail.line].push(parts[1]);
        const [first, last] = [Math.min(head.line, tail.line), Math.max(head.line, tail.line)];
        for (let i = first + 1; i < last; i += 1) through[i].push(arc);
      }
      const pieces = Array.from(this.pieces.values()).flat();
      Array.from(this.lines.children).forEach((line, i) => {
        const here = pieces.filter((piece) => piece.line === i);
        const over = Math.max(0, ...here.map((piece) => 4 - piece.top)); // where mentions are nested
        const under = Math.max(0, ...here.map((piece) => 4 + piece.bottom));
        const levels = stack(segments[i]);
        const rise = (levels ? levels * STEP + 8 : 0) + over;
        line.style.paddingTop = rise + "px";
        line.style.paddingBottom = under + "px";
        if (!segments[i].length && !through[i].length) return;
        const svg = shape("svg", { class: "rel-arcs", "aria-hidden": "true" });
        const frame = { rise, base: rise - 3 - over, height: this.frames[i].height + rise + under };
        svg.append(...this.passing(through[i], frame.height));
        const captions = segments[i].map((part) => this.drawSegment(svg, part, frame));
        svg.append(...captions);
        line.append(svg);
      });
    }

    // Arcs that pass a line between two others; very many, which the eye cannot tell apart, as one path.
    passing(arcs, height) {
      const down = (x) => `M${x} 0V${height}`;
      if (arcs.length <= APART) return arcs.map((arc) => this.group(arc, down(arc.x)));
      const places = new Set(arcs.map((arc) => Math.round(arc.x)));
      const group = shape("g", { class: "rel-many" });
      group.append(shape("path", { d: Array.from(places, down).join(""), class: "rel-line-path" }));
      return [group];
    }

    // What an arc takes up above a line: from a mention to another one, or to a margin. Its label is in
    // the middle, or near the mention if it goes to a margin; if it is too long, beside or above the arc.
    segment(arc, from, to, isHead) {
      const half = arc.label / 2;
      const width = this.frames[0].width;
      const [length, sense] = [Math.abs(to - from), Math.sign(to - from)];
      const isLong = arc.label > length - (arc.side ? 2 * BEND : BEND);
      let middle = (from + to) / 2;
      if (arc.side && !isLong) middle = from + sense * Math.min(length / 2, half + BEND);
      const beside = from - sense * (half + 2);
      const isBeside = isLong && arc.side && beside - half >= 0 && beside + half <= width;
      if (isBeside) middle = beside;
      middle = Math.max(half, Math.min(width - half, middle));
      const low = Math.min(from, to, middle - half) - GAP;
      const high = Math.max(from, to, middle + half) + GAP;
      return { arc, from, to, isHead, middle, isLong, isAbove: isLong && !isBeside, low, high };
    }

    drawSegment(svg, part, { rise, base, height }) {
      const { arc, from, to, isHead, middle } = part;
      const y = base - part.level * STEP;
      const bend = Math.min(BEND, Math.abs(to - from) / 2);
      const step = Math.sign(to - from) * bend;
      const top = (piece) => piece.top + rise - 1;
      const piece = isHead ? arc.head : arc.tail;
      const isArrow = !isHead; // at this end
      const up = `M${from} ${top(piece) - (isArrow ? 6 : 0)}V${y + bend}Q${from} ${y} ${from + step} ${y}H${to - step}`;
      let path;
      if (!arc.side) path = up + `Q${to} ${y} ${to} ${y + bend}V${top(arc.tail) - 6}`;
      else {
        const other = isHead ? arc.tail : arc.head;
        const down = other.line > piece.line;
        path = up + `Q${to} ${y} ${to} ${down ? y + bend : y - bend}V${down ? height : 0}`;
      }
      const group = this.group(arc, path);
      const tip = arc.side ? from : to;
      if (!arc.side || isArrow) {
        const d = `M${tip} ${top(arc.tail)}l-3.5 -7h7z`;
        group.append(shape("path", { d, class: "rel-tip" }));
      }
      if (isHead) group.append(shape("circle", { cx: from, cy: top(arc.head), r: 2, class: "rel-dot" }));
      svg.append(group);
      const label = this.group(arc);
      if (middle === null) return label;
      const at = y - (part.isAbove ? 8 : 0);
      const place = { x: middle - arc.label / 2, y: at - 7, width: arc.label, height: 14 };
      label.append(shape("rect", place), shape("text", { x: middle, y: at + 4 }, arc.caption));
      return label;
    }

    group(arc, path) {
      const { relation, index } = arc;
      const group = shape("g", { "data-r": index, class: relation.status || "" });
      for (const [key, value] of Object.entries(relation.style || {})) {
        group.style.setProperty(key, value);
      }
      group.append(shape("title", {}, `${relation.title || caption(relation)}`));
      if (path) {
        group.append(shape("path", { d: path, class: "rel-hit" }));
        group.append(shape("path", { d: path, class: "rel-line-path" }));
      }
      return group;
    }

    // Bring out a relation, the relations of a mention, or an event, whose row names its mentions.
    emphasise(node) {
      const relations = new Set();
      const mentions = new Set();
      if (node && node.dataset.r !== undefined) relations.add(Number(node.dataset.r));
      else if (node && node.dataset.e !== undefined) for (const i of node.dataset.e.split(" ")) mentions.add(i);
      else if (node) {
        const cluster = node.dataset.c;
        mentions.add(node.dataset.m);
        for (const other of this.root.querySelectorAll("[data-m]")) {
          if (cluster && other.dataset.c === cluster) mentions.add(other.dataset.m);
        }
        this.relations.forEach((relation, i) => {
          if (mentions.has(String(relation.head)) || mentions.has(String(relation.tail))) relations.add(i);
        });
      }
      for (const i of relations) {
        const relation = this.relations[i];
        if (relation) mentions.add(String(relation.head)).add(String(relation.tail));
      }
      this.root.classList.toggle("rel-emphasis", relations.size + mentions.size > 0);
      for (const part of this.root.querySelectorAll("[data-r]")) {
        part.classList.toggle("rel-on", relations.has(Number(part.dataset.r)));
      }
      for (const part of this.root.querySelectorAll("[data-m]")) {
        part.classList.toggle("rel-on", mentions.has(part.dataset.m));
      }
      for (const part of this.root.querySelectorAll("[data-e]")) part.classList.toggle("rel-on", part === node);
      this.showEvidence(node && node.dataset.r !== undefined ? Number(node.dataset.r) : this.selected);
    }

    // The text in the lines, without what is drawn beside it: text nodes, with their places in the text.
    textNodes() {
      const found = [];
      const walker = document.createTreeWalker(this.lines, NodeFilter.SHOW_TEXT);
      for (let start = 0, node; (node = walker.nextNode()); ) {
        if (node.parentNode.closest(".rel-type, svg")) continue;
        found.push({ node, start, end: start + node.length });
        start += node.length;
      }
      return found;
    }

    // Bring out the sentences that show a relation; those of no relation with null.
    showEvidence(index) {
      const places = (index !== null && this.relations[index]?.evidence) || [];
      // older browsers have the list alone; a template puts more into the text
      if (!window.Highlight || (!places.length && lit !== this) || this.text.querySelector(".rel-own")) return;
      const highlight = new Highlight();
      for (const part of places.length ? this.textNodes() : []) {
        for (const place of places) {
          const [start, end] = [Math.max(place[0], part.start), Math.min(place[1], part.end)];
          if (start >= end) continue;
          const range = new Range();
          range.setStart(part.node, start - part.start);
          range.setEnd(part.node, end - part.start);
          highlight.add(range);
        }
      }
      CSS.highlights.set("rel-evidence", highlight);
      lit = this;
    }

    // Start and end in the text of what a person has selected; null if that is nothing of it.
    placeOf(range) {
      const parts = this.textNodes().filter(({ node }) => range.intersectsNode(node));
      if (!parts.length) return null;
      const [first, last] = [parts[0], parts[parts.length - 1]];
      const from = first.node === range.startContainer ? range.startOffset : 0;
      const to = last.node === range.endContainer ? range.endOffset : last.node.length;
      return [first.start + from, last.start + to];
    }

    select(index) {
      this.selected = index;
      for (const part of this.root.querySelectorAll("[data-r]")) {
        part.classList.toggle("rel-selected", index !== null && Number(part.dataset.r) === index);
      }
      this.showEvidence(index);
    }
  }

  // One label is enough for an arc between lines where there is no room for two: that at the end where
  // it fits, or else that at the mention with fewer arcs.
  function dropCaption([head, tail]) {
    if (!head.isLong && !tail.isLong) return;
    const isHead = head.isLong === tail.isLong ? crowd(head) > crowd(tail) : head.isLong;
    const part = isHead ? head : tail;
    part.middle = null;
    part.isAbove = false;
    part.low = Math.min(part.from, part.to) - GAP;
    part.high = Math.max(part.from, part.to) + GAP;
  }
  const crowd = ({ arc, isHead }) => (isHead ? arc.head : arc.tail).ends.length;

  // Put segments on levels: each above all shorter ones that it overlaps with. A label above its arc takes
  // half a level. Returns how many levels there are.
  function stack(segments) {
    const placed = [];
    const length = (part) => Math.abs(part.to - part.from);
    const top = (part) => part.level + (part.isAbove ? 1.5 : 1);
    for (const part of segments.sort((a, b) => length(a) - length(b))) {
      const under = placed.filter((other) => other.low < part.high && part.low < other.high);
      part.level = Math.max(0, ...under.map(top));
      placed.push(part);
    }
    return Math.max(0, ...placed.map(top));
  }

  let ruler = null;
  function measure(text, root) {
    ruler = ruler || document.createElement("canvas").getContext("2d");
    ruler.font = "600 11px " + getComputedStyle(root).fontFamily;
    return ruler.measureText(text).width;
  }

  // Views that rel_component.render has written, which begin when they come into sight or go to paper.
  const waiting = new Map(); // their elements, with their relations
  const begin = (root) => {
    sight.unobserve(root);
    new View(root, waiting.get(root));
    waiting.delete(root);
  };
  const sight = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) begin(target);
    },
    { rootMargin: "600px" },
  );

  function start() {
    for (const root of document.querySelectorAll(".rel-view[data-relations]")) {
      waiting.set(root, JSON.parse(root.dataset.relations));
      root.removeAttribute("data-relations");
      for (const list of root.querySelectorAll("details.rel-list")) list.open = false;
      sight.observe(root);
    }
  }

  const forPaper = (isPaper) => () => {
    if (isPaper) for (const root of Array.from(waiting.keys())) begin(root);
    for (const view of views) {
      if (!view.root.isConnected) view.remove();
      else {
        view.root.style.width = isPaper ? PAPER + "px" : "";
        view.draw();
      }
    }
  };
  addEventListener("beforeprint", forPaper(true));
  addEventListener("afterprint", forPaper(false));

  return { View, start, element, all: () => views };
})();
