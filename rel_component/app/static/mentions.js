// Mentions that a person adds in review.
const MOST_PLACES = 200; // of the same words in a text

// What is selected in the text of a document: its number, and start and end in code points.
function selectedText() {
  const selection = getSelection();
  if (selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const node = range.startContainer.parentNode.closest?.("article");
  const found = node && articles.get(Number(node.dataset.doc));
  const place = found && found.view.placeOf(range);
  if (!place) return null;
  const [i, text] = [Number(node.dataset.doc), docs[Number(node.dataset.doc)].record.text];
  const [start, end] = place.map((at) => Array.from(text.slice(0, at)).length);
  return { i, start, end };
}

// Where words stand in a text, in code points; also at `start`, where they are selected.
function placesOf(doc, words, start) {
  const places = [];
  const { text } = doc.record;
  for (let at = words ? text.indexOf(words) : -1; at >= 0 && places.length < MOST_PLACES; ) {
    places.push(Array.from(text.slice(0, at)).length);
    at = text.indexOf(words, at + words.length);
  }
  const letters = Array.from(words);
  const isThere = start !== undefined && letters.every((letter, k) => letter === lettersOf(doc)[start + k]);
  return words && isThere && !places.includes(start) ? [start, ...places] : places;
}

// Add a mention: what is selected, or what a person writes; then its type.
async function addMention() {
  const selected = selectedText();
  const i = selected ? selected.i : (current.doc ?? listed[0]);
  if (!review.isOn || i === undefined) return;
  const found = await askMention(i, selected);
  const isKnown = (mention) => ["start", "end", "label"].every((key) => mention[key] === found[key]);
  if (found === null || review.mentions(docs[i]).some(isKnown)) return;
  review.change(i, (decisions) => {
    decisions.mentions = [...(decisions.mentions || []), found];
  });
  if (!Object.hasOwn(data.types, found.label)) data.types[found.label] = OTHER;
  articles.get(i)?.node.querySelector(`.rel-line [data-m="${review.mentions(docs[i]).length - 1}"]`)?.focus();
}

// Take back an added mention, and the relations that were added to it.
function removeMention(i, k) {
  unpick();
  review.change(i, (decisions) => {
    decisions.mentions.splice(k - docs[i].record.entities.length, 1);
    decisions.relations = decisions.relations.filter(({ head, tail }) => head !== k && tail !== k);
    for (const relation of decisions.relations) {
      if (relation.head > k) relation.head -= 1;
      if (relation.tail > k) relation.tail -= 1;
    }
  });
}

// Ask for the words and the type of a mention; null if the person does not want to.
function askMention(i, selected) {
  const doc = docs[i];
  const letters = lettersOf(doc);
  const [dialog, words, places, type] = ["mention-dialog", "words", "places", "type"].map(byId);
  const fill = () => {
    const length = Array.from(words.value).length;
    const options = placesOf(doc, words.value, selected?.start).map((start) => {
      const [before, after] = [letters.slice(Math.max(0, start - 30), start), letters.slice(start + length, start + length + 30)];
      const context = `${before.join("")}[${words.value}]${after.join("")}`.replace(/\s+/g, " ");
      return new Option(context, start, false, selected?.start === start);
    });
    places.replaceChildren(...options);
    if (places.selectedIndex < 0 && options.length) places.selectedIndex = 0;
  };
  if (selected) {
    let { start, end } = selected;
    while (start < end && !letters[start].trim()) start += 1;
    while (start < end && !letters[end - 1].trim()) end -= 1;
    selected = { start };
    words.value = letters.slice(start, end).join("");
  } else words.value = "";
  type.value = "";
  byId("types").replaceChildren(...Object.keys(data.types).map((name) => new Option(name, name)));
  fill();
  return new Promise((resolve) => {
    const end = ask(dialog, (isOk) => {
      const label = type.value.trim();
      const start = places.value === "" ? null : Number(places.value);
      const isValid = isOk && start !== null && words.value && isType(label);
      resolve(isValid ? { start, end: start + Array.from(words.value).length, label } : null);
    });
    words.oninput = fill;
    dialog.onkeydown = (event) => {
      if (event.key !== "Enter" || event.target.tagName === "BUTTON") return;
      event.preventDefault();
      if (event.target === type) end(true);
      else type.focus();
    };
    (words.value ? type : words).focus();
  });
}

// The mentions that are added to a document, to take them back.
function addedMentions(i) {
  const n = docs[i].record.entities.length;
  const list = element("p", "soft only-review");
  review.mentions(docs[i]).slice(n).forEach((mention, k) => {
    const button = element("button", "chip");
    button.type = "button";
    button.append("✕ ", element("bdi", "", `${mentionText(docs[i], n + k)}`), ` ${mention.label}`);
    button.title = "take back this mention, and what is added to it";
    button.addEventListener("click", () => removeMention(i, n + k));
    list.append(button, " ");
  });
  if (list.firstChild) list.prepend("Added mentions: ");
  return list.firstChild ? [list] : [];
}
