/* Pierhead: makes the page of a folder quicker to use. Whatever it does, the page can do without it as well. */

"use strict";

const all = selector => [...document.querySelectorAll(selector)];
const one = selector => document.querySelector(selector);

/** Make an element with a text. */
function made(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/* What the user chose for good. A browser may keep nothing for a page, and says so with an exception. */

function recall(name) {
  try { return localStorage.getItem(name) === "on"; } catch { return false; }
}

function remember(name, isOn) {
  try { localStorage.setItem(name, isOn ? "on" : "off"); } catch { /* it holds for this page, then */ }
}

/* The filter. It has the rows of this page; for those of other pages, the form asks the server. */

const field = one("#q");
const rows = all("table.listing tbody tr:not(.parent, .empty)");
const folded = text => text.toLowerCase().normalize();
const names = rows.map(row => folded(row.querySelector("a").textContent.replace(/\/$/, "").split("/").pop()));

/** The same rule as that of `?q=`: a part of the name or, if the text has a wildcard, all of it. */
function matcher(text) {
  const wanted = folded(text), contains = name => name.includes(wanted);
  if (!/[*?[]/.test(wanted)) return contains;
  const source = wanted.replace(/\[(!?)(\]?[^\]]*)\]|([*?])|[^]/gu, (found, not, set, wild) => {
    if (wild) return wild === "*" ? "[^]*" : "[^]";
    if (set) return `[${not && "^"}${set.replace(/[\\\]^[&~|]/g, "\\$&")}]`;
    return found.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  });
  try {
    const pattern = new RegExp(`^${source}$`, "u");
    return name => contains(name) || pattern.test(name);
  } catch {
    return contains; /* a range that runs backwards matches nothing */
  }
}

function filterRows(note) {
  const text = field.value, matches = matcher(text);
  let count = 0;
  rows.forEach((row, index) => {
    row.hidden = !matches(names[index]);
    count += !row.hidden;
  });
  const isPart = one("[rel=next], [rel=prev]") || !text.includes(field.defaultValue);
  note.textContent =
    text === field.defaultValue ? "" : `${count} of ${rows.length}${isPart ? " on this page; Enter looks in all of the folder" : ""}`;
}

if (field) {
  const note = made("output", "", { for: "q" });
  field.form.append(note);
  field.addEventListener("input", () => filterRows(note));
  addEventListener("pageshow", () => filterRows(note)); /* after "back", the browser fills the field */
}

/* Copy buttons: hidden in the page, since they would do nothing without this script. */

async function copy(button) {
  const source = one(button.dataset.copy);
  const text = (source.value ?? source.textContent).trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch { /* no clipboard without HTTPS: the old way, from a field */
    const scratch = made("textarea", text);
    button.after(scratch);
    scratch.select();
    document.execCommand("copy");
    scratch.remove();
    button.focus();
  }
  button.dataset.label ??= button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = button.dataset.label; }, 3000);
}

for (const button of all("button[data-copy]")) {
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => copy(button));
}

/* Times: in UTC as the server has them, or in the time of this place; the other one is shown on hover. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = number => String(number).padStart(2, "0");

function localText(time) {
  const date = new Date(time.dateTime);
  return `${two(date.getDate())}-${MONTHS[date.getMonth()]}-${date.getFullYear()} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function showTimes(button, isLocal) {
  for (const time of all("table.listing time")) {
    time.dataset.utc ??= time.textContent;
    const local = localText(time);
    time.textContent = isLocal ? local : time.dataset.utc;
    time.title = isLocal ? `${time.dataset.utc} UTC` : `${local} here`;
  }
  button.textContent = isLocal ? "Show times in UTC" : "Show times of this place";
  button.setAttribute("aria-pressed", isLocal);
}

const zone = one("#zone");
if (zone) {
  const button = made("button", "", { type: "button", class: "plain" });
  zone.append(" ", button);
  button.addEventListener("click", () => {
    const isLocal = button.getAttribute("aria-pressed") !== "true";
    remember("pierhead-local-times", isLocal);
    showTimes(button, isLocal);
  });
  showTimes(button, recall("pierhead-local-times"));
}

/* Keys. They can be turned off, as WCAG 2.2 asks of keys that are single characters (success criterion 2.1.4). */

const KEYS = [
  ["j", "next entry"],
  ["k", "entry before"],
  ["Enter", "open it"],
  ["/", "filter by name"],
  ["?", "this help"],
];

function move(step) {
  const shown = all("table.listing tbody a").filter(link => !link.closest("tr").hidden);
  const at = shown.indexOf(document.activeElement);
  const next = at < 0 && step < 0 ? shown.length - 1 : at + step;
  shown[Math.min(Math.max(next, 0), shown.length - 1)]?.focus();
}

function madeHelp() {
  const dialog = made("dialog", "", { "aria-labelledby": "keys" });
  const list = made("dl", "");
  for (const [key, meaning] of KEYS) {
    const pair = made("div", "");
    const term = made("dt", "");
    term.append(made("kbd", key));
    pair.append(term, made("dd", meaning));
    list.append(pair);
  }
  const isOff = made("input", "", { type: "checkbox" });
  isOff.checked = recall("pierhead-no-keys");
  isOff.addEventListener("change", () => remember("pierhead-no-keys", isOff.checked));
  const choice = made("label", "");
  choice.append(isOff, " Turn these keys off");
  const close = made("button", "Close", { type: "button", class: "button quiet" });
  close.addEventListener("click", () => dialog.close());
  dialog.append(made("h2", "Keys", { id: "keys" }), list, choice, close);
  document.body.append(dialog);
  return { dialog, isOff };
}

if (field) {
  const { dialog, isOff } = madeHelp();
  const opener = made("button", "Keys", { type: "button", class: "plain", "aria-haspopup": "dialog" });
  opener.addEventListener("click", () => dialog.showModal());
  zone?.append(" ", opener);

  const actions = {
    j: () => move(1),
    k: () => move(-1),
    "/": () => field.select(),
    "?": () => dialog.showModal(),
  };
  document.addEventListener("keydown", event => {
    const isBusy = event.ctrlKey || event.metaKey || event.altKey || dialog.open || isOff.checked;
    if (isBusy || !(event.key in actions) || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    actions[event.key]();
  });
  field.addEventListener("keydown", event => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    move(1);
  });
}

/* Who is logged in. The page itself is the same for everybody who may see as much. */

const account = one("form.account button:last-of-type");
const named = /(?:^|; )(?:__Host-|__Secure-)?pierhead_name=([^;]*)/.exec(document.cookie);
if (account && named) account.textContent = `Account: ${decodeURIComponent(named[1])}`;
