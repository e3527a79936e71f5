// The list of the events of a document. In review nothing is decided about them: they stay as they are.
function eventList(doc, shown) {
  const names = ["Event", "Trigger", "Arguments", "Score"];
  if (data.compared) names.push("Compared");
  const rows = shown.map((event) => {
    const row = element("tr", event.status);
    const parts = event.arguments.map(([, i]) => i);
    row.tabIndex = 0;
    row.dataset.e = (event.trigger === null ? parts : [event.trigger, ...parts]).join(" ");
    row.append(nameCell(event.label), event.trigger === null ? nameCell("-") : mentionCell(doc, event.trigger));
    row.append(argumentsCell(doc, event), scoreCell(event.score));
    if (data.compared) row.append(element("td", "soft", event.status));
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
