"use strict";
// Draws what /events sends: a JSON object twice a second. Text from the mesh becomes text nodes only, never HTML.

const find = (id) => document.getElementById(id);
const svgName = "http://www.w3.org/2000/svg";
let state = null, before = null, chosen = null;

// ---- small helpers ----

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}
// Text is set only where it differs: a screen reader reads every change of a status.
function say(where, text) { if (where.textContent !== text) where.textContent = text; }

// Makes the children of `list` match `items`, and keeps those that stay, so that the focus stays, too.
function keyed(list, items, keyOf, make, update) {
  const old = new Map(Array.from(list.children, (child) => [child.dataset.key, child]));
  let at = list.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = old.get(key);
    old.delete(key);
    if (!child) { child = make(item); child.dataset.key = key; }
    update(child, item);
    if (child === at) at = at.nextElementSibling; else list.insertBefore(child, at);
  }
  for (const gone of old.values()) gone.remove();
}

function amount(number) {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e4]])
    if (number >= size) return (number / (unit === "k" ? 1e3 : size)).toFixed(1) + " " + unit;
  return String(Math.round(number));
}
function bytes(number) {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]])
    if (number >= size) return (number / size).toFixed(1) + " " + unit;
  return number + " B";
}
function duration(ms) {
  if (ms < 1000) return Math.round(ms) + " ms";
  return ms < 60000 ? (ms / 1000).toFixed(1) + " s" : Math.round(ms / 60000) + " min";
}
const isGone = (who) => who.state === "left" || who.state === "crashed";

// ---- the parts of the page ----

function drawHead() {
  say(find("name"), state.name);
  document.title = "baton · " + state.name;
  say(find("endpoint"), state.endpoint);
  const ready = find("ready");
  say(ready, state.ready ? "ready" : state.leaving ? "leaving" : "not ready");
  ready.className = "pill " + (state.ready ? "good" : state.leaving ? "warn" : "bad");
  ready.title = state.reason;
}

function drawNumbers() {
  const now = state.numbers, up = state.members.filter((who) => who.state === "up").length;
  const rate = (name) => {
    if (!before || state.now_ms <= before.now_ms) return 0;
    return Math.max(0, (now[name] - before.numbers[name]) * 1000 / (state.now_ms - before.now_ms));
  };
  const lag = state.members.reduce((most, who) => isGone(who) ? most : Math.max(most, who.lag), 0);
  const rows = [["Nodes up", String(up + 1)], ["Keys", amount(now.keys)], ["Values", bytes(now.bytes)],
    ["Writes here", amount(rate("stashes")) + "/s"], ["Writes from others", amount(rate("applied")) + "/s"],
    ["Largest lag", amount(lag)]];
  keyed(find("numbers"), rows, (row) => row[0], (row) => {
    const made = element("div");
    made.append(element("dt", row[0]), element("dd"));
    return made;
  }, (made, row) => say(made.lastChild, row[1]));
}

// This node and the members, at their places on the ring.
function placed() {
  const self = { key: "self", name: state.name, id: state.id, state: state.leaving ? "leaving" : "self", self: true };
  const shown = state.members.map((who, at) => ({ ...who, at, key: who.id }))
    .filter((who) => who.state !== "left");
  const all = [self, ...shown.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1)];
  const narrow = window.innerWidth < 864;
  all.forEach((who, i) => {
    const angle = 2 * Math.PI * i / all.length - Math.PI / 2;
    who.x = 320 + (narrow ? 235 : 250) * Math.cos(angle);
    who.y = 240 + 180 * Math.sin(angle);
  });
  if (all.length === 1) all[0].y = 240;
  return all;
}

// A line from a to b that ends at their circles; with `head`, an arrow at b.
function lineOf(a, b, radius, head) {
  const dx = b.x - a.x, dy = b.y - a.y, length = Math.hypot(dx, dy) || 1, ux = dx / length, uy = dy / length;
  const x = b.x - ux * (radius + 3), y = b.y - uy * (radius + 3);
  let path = `M${(a.x + ux * radius).toFixed(1)} ${(a.y + uy * radius).toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}`;
  if (head) path += `M${(x - ux * 9 - uy * 6).toFixed(1)} ${(y - uy * 9 + ux * 6).toFixed(1)}` +
    `L${x.toFixed(1)} ${y.toFixed(1)}L${(x - ux * 9 + uy * 6).toFixed(1)} ${(y - uy * 9 - ux * 6).toFixed(1)}`;
  return path;
}

function linesOf(all, radius) {
  const paths = { both: "", own: "", one: "", none: "", handoff: "" };
  const [self, ...members] = all;
  const present = members.filter((who) => !isGone(who));
  const judge = (a, b, aHears, bHears, kind) => {
    if (aHears && bHears) paths[kind] += lineOf(a, b, radius);
    else if (bHears) paths.one += lineOf(a, b, radius, true); // what a sends arrives at b
    else if (aHears) paths.one += lineOf(b, a, radius, true);
    else paths.none += lineOf(a, b, radius);
  };
  for (const who of present) judge(self, who, who.heard, who.hears, "own");
  const up = present.filter((who) => who.state === "up" && who.unheard);
  up.forEach((a, i) => {
    for (const b of up.slice(i + 1)) judge(a, b, !a.unheard.includes(b.at), !b.unheard.includes(a.at), "both");
  });
  const byId = new Map(members.map((who) => [who.id, who]));
  for (const sync of state.syncs) {
    const other = byId.get(sync.id);
    if (other) paths.handoff += sync.receives ? lineOf(other, self, radius, true) : lineOf(self, other, radius, true);
  }
  for (const who of present) if (who.state === "leaving") paths.handoff += lineOf(who, self, radius, true);
  if (state.leaving) for (const who of present) if (who.state === "up") paths.handoff += lineOf(self, who, radius, true);
  return paths;
}

function describe(who) {
  if (who.self) return who.name + ": this node" + (state.ready ? ", ready" : ", " + state.reason);
  const parts = [who.name + ": " + who.state];
  if (!isGone(who)) {
    if (!who.heard) parts.push("this node does not hear it");
    if (!who.hears) parts.push("it does not hear this node");
    parts.push(who.synced ? "synced" : "not synced yet", who.lag ? "lag " + amount(who.lag) + " events, " +
      duration(who.lag_ms) : "no lag");
    if (who.round_trip_us !== undefined) parts.push("round trip " + duration(who.round_trip_us / 1000));
  }
  return parts.join(", ");
}

function svg(name, className) {
  const made = document.createElementNS(svgName, name);
  if (className) made.setAttribute("class", className);
  return made;
}
function choose(key) {
  chosen = key;
  drawMesh();
}
function moveFocus(from, step) {
  const nodes = Array.from(find("mesh").querySelectorAll("g[tabindex]"));
  const next = nodes[(nodes.indexOf(from) + step + nodes.length) % nodes.length];
  if (next) next.focus();
}

function drawMesh() {
  const root = find("mesh");
  if (!root.firstChild) {
    for (const kind of ["both", "own", "one", "none", "handoff"]) root.append(svg("path", kind));
    root.append(svg("g", "nodes"));
  }
  const all = placed(), radius = all.length > 60 ? 7 : all.length > 24 ? 12 : 20;
  const paths = linesOf(all, radius);
  for (const path of root.querySelectorAll("path")) path.setAttribute("d", paths[path.getAttribute("class")]);
  root.lastChild.setAttribute("class", all.length > 24 ? "nodes dense" : "nodes");
  keyed(root.lastChild, all, (who) => who.key, (who) => {
    const made = svg("g");
    made.append(svg("circle"), svg("text"));
    made.setAttribute("tabindex", "0");
    made.setAttribute("role", "button");
    made.addEventListener("click", () => choose(who.key));
    made.addEventListener("focus", () => choose(who.key));
    made.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      moveFocus(made, step);
    });
    return made;
  }, (made, who) => {
    made.setAttribute("class", (who.self ? "self " : "") + who.state + (chosen === who.key ? " chosen" : ""));
    made.setAttribute("aria-label", describe(who));
    const [circle, label] = made.children;
    circle.setAttribute("cx", who.x);
    circle.setAttribute("cy", who.y);
    circle.setAttribute("r", radius);
    const below = who.y >= 240;
    label.setAttribute("x", Math.min(590, Math.max(50, who.x)));
    label.setAttribute("y", who.y + (below ? radius + 14 : -radius - 12));
    say(label, who.name.length > 18 ? who.name.slice(0, 17) + "…" : who.name);
  });
  const shown = all.find((who) => who.key === chosen);
  say(find("chosen"), shown ? describe(shown) : "");
}

function drawFlow() {
  const rows = state.syncs.map((sync) => ({
    key: (sync.receives ? "from" : "to") + sync.id,
    title: sync.receives ? "Sync from " + sync.with : "Sync to " + sync.with,
    done: sync.done,
    note: (sync.receives ? `${amount(sync.records)} of about ${amount(sync.records_expected)} records, ` : "") +
      bytes(sync.bytes) + (sync.compares ? ", compares ranges" : "") +
      (sync.left_ms !== undefined ? ", " + duration(sync.left_ms) + " left" : ""),
  }));
  for (const who of state.members) if (who.state === "leaving") rows.push({
    key: "leaving" + who.id, title: who.name + " hands over", note: "it waits until enough members hold everything" });
  if (state.leaving) rows.unshift({
    key: "self", title: "This node hands over",
    done: state.leaving.met ? 1 : state.leaving.copies / Math.max(1, Math.min(2, state.leaving.staying)),
    note: `${state.leaving.copies} of ${state.leaving.staying} staying members hold everything` });
  const list = find("flow");
  if (rows.length === 0) rows.push({ key: "none", title: "None now.", empty: true });
  keyed(list, rows, (row) => row.key, (row) => {
    const made = element("li", undefined, row.empty ? "empty" : "");
    made.append(element("span", row.title));
    if (row.done !== undefined) made.append(element("progress"));
    made.append(element("small"));
    return made;
  }, (made, row) => {
    const bar = made.querySelector("progress");
    if (bar) { bar.value = row.done; bar.setAttribute("aria-label", row.title); }
    say(made.lastChild, row.note || "");
  });
}

function drawClaims() {
  const names = new Map(state.members.map((who) => [who.id, who.name]));
  names.set(state.id, state.name + " (this node)");
  say(find("claims-count"), state.with_keys ? String(state.claims_known) : "");
  find("token-form").hidden = state.with_keys;
  const rows = state.claims.map((claim) => ({ key: claim.key, owner: names.get(claim.owner) || claim.owner }));
  const empty = state.with_keys ? "None." : "Names of keys need the token.";
  if (rows.length === 0) rows.push({ key: empty, empty: true });
  keyed(find("claims"), rows, (row) => row.key, (row) => {
    const made = element("li", undefined, row.empty ? "empty" : "");
    made.append(element(row.empty ? "span" : "code", row.key), " ", element("small"));
    return made;
  }, (made, row) => say(made.lastChild, row.owner ? "owned by " + row.owner : ""));
}

const grave = new Set(["failed", "diverged", "full", "crashed", "refused", "dropped"]);
const notable = new Set(["suspect", "one_way", "claim_lost", "conflict", "name_conflict", "clock_skew", "leaving"]);
function drawEvents() {
  const rows = state.events.slice().reverse();
  if (rows.length === 0) rows.push({ number: 0, event: "None yet.", empty: true });
  keyed(find("events"), rows, (row) => row.number, (row) => {
    if (row.empty) return element("li", row.event, "empty");
    const made = element("li", undefined, grave.has(row.event) ? "bad" : notable.has(row.event) ? "warn" :
      row.event === "joined" || row.event === "synced" ? "good" : "");
    const about = [row.name, row.key !== undefined ? "“" + row.key + "”" : "", row.reason].filter(Boolean).join(" · ");
    made.append(element("time", new Date(row.at_ms).toLocaleTimeString()), " ", element("b", row.event), " ", about);
    return made;
  }, () => {});
}

function drawTable() {
  const present = state.members.filter((who) => !isGone(who)).length;
  say(find("members-count"), present + " besides this node");
  keyed(document.querySelector("#members tbody"), state.members, (who) => who.id, () => {
    const made = element("tr");
    for (let i = 0; i < 6; ++i) made.append(element("td"));
    return made;
  }, (made, who) => {
    made.className = isGone(who) ? "gone" : "";
    const cells = [who.name, who.state, isGone(who) ? "" : who.synced ? "yes" : "no",
      isGone(who) ? "" : who.lag ? amount(who.lag) + " (" + duration(who.lag_ms) + ")" : "0",
      who.round_trip_us === undefined ? "" : duration(who.round_trip_us / 1000), who.endpoint];
    cells.forEach((text, i) => say(made.children[i], text));
  });
}

function draw(next) {
  before = state;
  state = next;
  for (const part of [drawHead, drawNumbers, drawMesh, drawFlow, drawClaims, drawEvents, drawTable]) part();
}

// ---- the stream; fetch and not EventSource, which cannot carry the token ----

function lineIs(text, lost) {
  say(find("line"), text);
  find("line").className = lost ? "lost" : "";
}
const headers = () => {
  const token = sessionStorage.getItem("token");
  return token ? { Authorization: "Bearer " + token } : {};
};

async function readStream(signal) {
  const answer = await fetch("events", { headers: headers(), signal, cache: "no-store" });
  if (answer.status === 401) {
    sessionStorage.removeItem("token");
    say(find("token-fault"), (await answer.text()).trim());
    return;
  }
  if (answer.status === 503) return readOnce();
  if (!answer.ok) throw new Error("HTTP " + answer.status);
  lineIs("live", false);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    waiting += value;
    const end = waiting.lastIndexOf("\n\n");
    if (end < 0) continue;
    const latest = waiting.slice(0, end).split("\n\n").pop(); // the others are older
    draw(JSON.parse(latest.slice("data: ".length)));
    waiting = waiting.slice(end + 2);
  }
}
// All streams are taken: the state now and then.
async function readOnce() {
  const answer = await fetch("state", { headers: headers(), cache: "no-store" });
  if (!answer.ok) throw new Error("HTTP " + answer.status);
  draw(await answer.json());
  lineIs("every few seconds: other viewers have all live streams", false);
}

let stop = null;
async function run() {
  for (;;) {
    try {
      stop = new AbortController();
      await readStream(stop.signal);
    } catch (fault) {
      if (fault.name === "AbortError") continue; // there is a token now
      lineIs("no connection to the node", true);
    }
    await new Promise((resolve) => setTimeout(resolve, document.hidden ? 5000 : 2000));
  }
}

find("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", find("token").value.trim());
  find("token").value = "";
  say(find("token-fault"), "");
  if (stop) stop.abort();
});
window.addEventListener("resize", () => { if (state) drawMesh(); });
run();
