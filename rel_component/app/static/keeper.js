// Where decisions are kept: by the server that has sent the page, or else in the browser.
class Keeper {
  constructor() {
    this.isServed = data.served && location.protocol.startsWith("http");
    this.name = "rel_component.review." + data.key;
    this.changed = new Set();
    this.isSaving = false;
  }

  async load() {
    try {
      const kept = this.isServed
        ? await (await fetch("review")).json()
        : JSON.parse(localStorage.getItem(this.name) || "{}");
      for (const doc of docs) {
        if (Object.hasOwn(kept, doc.key)) review.decisions.set(doc.key, kept[doc.key]);
      }
    } catch (error) {
      this.tell(`earlier decisions cannot be read: ${error.message}`, true);
    }
  }

  change(i) {
    this.changed.add(docs[i].key);
    this.tell("saving");
    clearTimeout(this.wait);
    this.wait = setTimeout(() => this.save(), 200);
  }

  async save() {
    if (this.isSaving || !this.changed.size) return;
    this.isSaving = true;
    const keys = Array.from(this.changed);
    this.changed.clear();
    try {
      if (this.isServed) await this.send(keys);
      else localStorage.setItem(this.name, JSON.stringify(Object.fromEntries(review.decisions)));
      if (!this.changed.size) this.tell(this.isServed ? "saved" : "kept in this browser; download what is done");
    } catch (error) {
      for (const key of keys) this.changed.add(key);
      this.tell(`not saved: ${error.message}; download what is done`, true);
    }
    this.isSaving = false;
    clearTimeout(this.wait);
    if (this.changed.size) this.wait = setTimeout(() => this.save(), 3000);
  }

  async send(keys) {
    const positions = new Map(docs.map((doc, i) => [doc.key, i]));
    const changes = keys.map((key) => [key, review.of(positions.get(key))]);
    const answer = await fetch("review", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(changes)),
    });
    if (!answer.ok) throw new Error((await answer.text()).slice(0, 300));
  }

  tell(text, isBad = false) {
    byId("saved").textContent = text;
    byId("saved").classList.toggle("bad", isBad);
  }
}

function download() {
  const blob = new Blob([review.lines()], { type: "application/jsonl" });
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  link.download = "reviewed.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
