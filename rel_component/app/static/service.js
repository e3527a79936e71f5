"use strict";
// The page of a service: a text is drawn with its relations, and each of them explained.
const byId = (id) => document.getElementById(id);
let shown = null; // {text, document}
let asked = 0; // answers to earlier questions are not shown

async function ask(path, body) {
  const headers = { "Content-Type": "application/json" };
  if (byId("token")) headers.Authorization = `Bearer ${byId("token").value}`;
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

// Show what `act` does with an answer, or why there is none.
async function answered(path, body, act) {
  asked += 1;
  const number = asked;
  tell("…");
  try {
    const value = await ask(path, body);
    if (number === asked) tell(act(value));
  } catch (error) {
    if (number === asked) tell(error.message, true);
  }
}

function tell(text, isBad = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("bad", isBad);
}

function extract() {
  const text = byId("text").value;
  answered("draw", { text, min_score: Number(byId("score").value) || null }, ({ document, html }) => {
    shown = { text, document };
    byId("why").hidden = true;
    byId("drawing").innerHTML = html; // the service has escaped it, and no script in it may run
    RelView.start();
    const n = document.relations.length;
    return n ? `${n} relation${n > 1 ? "s" : ""}; choose one to see why` : "no relations";
  });
}

function explain(index) {
  const { text, document: found } = shown;
  const places = new Map(found.entities.map(({ id, start, end }) => [id, [start, end]]));
  const { head, tail, label } = found.relations[index];
  const relation = { head: places.get(head), tail: places.get(tail), label };
  answered("explain", { text, relation, page: true }, ({ html }) => {
    const frame = byId("explanation");
    frame.onload = () => {
      frame.height = frame.contentDocument.documentElement.scrollHeight + 20;
      frame.scrollIntoView({ block: "nearest" });
    };
    byId("why").hidden = false;
    frame.srcdoc = html;
    return `why ${label}`;
  });
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  extract();
});
byId("score").addEventListener("input", (event) => {
  byId("least").textContent = Number(event.target.value).toFixed(2);
});
byId("score").addEventListener("change", () => shown && extract());

function choose(event) {
  const found = event.target.closest("[data-r]");
  if (found) explain(Number(found.dataset.r));
}
byId("drawing").addEventListener("click", choose);
byId("drawing").addEventListener("keydown", (event) => {
  if (event.key === "Enter") choose(event);
});
