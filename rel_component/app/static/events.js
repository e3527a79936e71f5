// The list of the events of a document, and what is decided about them in review.
const STATES = { accept: "accepted", reject: "rejected", open: "open" };

function eventList(i, shown) {
  const doc = docs[i];
  const names = ["Event", "Trigger", "Arguments", "Score"];
  if (data.compared) names.push("Compared");
  if (review.isOn) names.push("Review");
  const rows = shown.map((event) => {
    const row = element("tr", [event.status, event.state === "open" ? "" : event.state].join(" ").trim());
    const parts = event.arguments.map(([, i]) => i);
    row.tabIndex = 0;
    row.dataset.e = (event.trigger === null ? parts : [event.trigger, ...parts]).join(" ");
    row.dataset.event = event.index;
    row.append(nameCell(event.label), event.trigger === null ? nameCell("-") : mentionCell(doc, event.trigger));
    row.append(argumentsCell(doc, event), scoreCell(event.score));
    if (data.compared) row.append(element("td", "soft", event.status));
    if (review.isOn) row.append(eventDecisions(i, event));
    row.addEventListener("click", () => choose(i, null, event.index));
    return row;
  });
  return foldedTable(counted(shown.length, shown.length, "event"), names, rows);
}

function argumentsCell(doc, event) {
  const cell = element("td");
  event.arguments.forEach(([role, i], k) => {
    cell.append(k ? ", " : "", element("small", "soft", role), " ", element("bdi", "", mentionText(doc, i)));
  });
  return cell;
}

function eventDecisions(i, { state, index }) {
  const select = () => (current = { doc: i, relation: null, event: index });
  return decisionCell(select, verdictButtons(state, (name) => decideEvent(i, index, name)));
}

function decideEvent(i, index, action) {
  if (!review.isOn) return;
  review.change(i, (decisions) => {
    if (!decisions.events?.length) decisions.events = docs[i].events.map(() => "open");
    decisions.events[index] = STATES[action];
    finish(i, decisions);
  });
}

// Decide about what is chosen, a relation or an event.
function decideCurrent(action) {
  if (current.event === null) decide(current.doc, current.relation, action);
  else decideEvent(current.doc, current.event, action);
}
