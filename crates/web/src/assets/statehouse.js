// What makes the pages quicker to use. Everything here is an extra: without it links still lead on and forms still
// send. Loaded as a module, once, on each page.

const one = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

// Says something to everybody, also to those who do not look.
export function say(text) {
  const box = one(".toasts");
  if (!box) return;
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.textContent = text;
  box.append(toast);
  setTimeout(() => toast.remove(), 5000);
}

// <button class="copy" data-copy="text"> or data-copy-from="id of what holds it".
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const text = button.dataset.copy ?? document.getElementById(button.dataset.copyFrom).textContent;
  try {
    await navigator.clipboard.writeText(text.trim());
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
    say("Copied");
  } catch {
    say("The browser did not allow copying. Select the text instead.");
  }
});

// Menus are <details class="menu">: one open at a time, closed by Escape or by a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  one("summary", menu).focus();
});

// <time datetime> says how long ago; the exact moment stays in its title.
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
function ago(time) {
  const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) return words.format(Math.round(seconds), "second");
  if (size < 3600) return words.format(Math.round(seconds / 60), "minute");
  if (size < 86400) return words.format(Math.round(seconds / 3600), "hour");
  return null;
}
function tick() {
  for (const time of all("time[data-ago]")) {
    time.title ||= time.textContent;
    const text = ago(time);
    if (text) time.textContent = text;
  }
}
tick();
setInterval(tick, 30000);

// What is current in a strip that scrolls sideways is in view.
for (const here of all(".tabs [aria-current], .subnav [aria-current], .stages [aria-current]")) {
  const strip = here.closest(".tabs, .subnav, .stages");
  strip.scrollLeft += here.getBoundingClientRect().left - strip.getBoundingClientRect().left - 48;
}

// Buttons that open a dialog, for browsers without invoker commands.
if (!("command" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    if (!button) return;
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    if (button.getAttribute("command") === "close") dialog.close();
  });
}
document.addEventListener("click", (event) => {
  if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close();
});

// <plan-view>: narrows what is on the page at once; the form sends the same question to the server without script.
class PlanView extends HTMLElement {
  connectedCallback() {
    this.form = one("form.filters", this);
    this.form?.addEventListener("input", () => this.#narrow());
    // What is not on the page yet is looked for by the server.
    this.form?.addEventListener("submit", (event) => { if (!one(".res-load", this)) event.preventDefault(); });
    this.addEventListener("toggle", (event) => this.#load(event.target), true);
    one("[data-open-all]", this)?.addEventListener("click", (event) => {
      const open = event.currentTarget.getAttribute("aria-pressed") !== "true";
      event.currentTarget.setAttribute("aria-pressed", open);
      for (const row of all("details.res:not([hidden])", this)) row.open = open;
    });
    this.#narrow();
    this.#reveal();
    addEventListener("hashchange", () => this.#reveal());
  }

  // A group that is opened reads its first changes; from there on the link does.
  async #load(group) {
    const place = group.open && group.matches(".group") ? one(":scope > .res-load", group) : null;
    if (!place || place.getAttribute("aria-busy")) return;
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(place.dataset.from, { redirect: "error", cache: "no-store" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceWith(...parsed.body.childNodes);
      this.#narrow();
    } catch {
      // The link is still there.
      place.removeAttribute("aria-busy");
    }
  }

  #narrow() {
    if (!this.form) return;
    const data = new FormData(this.form);
    const text = String(data.get("q") ?? "").trim().toLowerCase();
    const actions = data.getAll("action");
    let shown = 0;
    for (const row of all("details.res", this)) {
      const fits = (actions.length === 0 || actions.some((action) => row.dataset.action.split(" ").includes(action)))
        && (text === "" || row.textContent.toLowerCase().includes(text));
      row.hidden = !fits;
      if (fits) shown += 1;
    }
    for (const group of all("details.group", this)) {
      const rows = all("details.res", group);
      group.hidden = rows.length > 0 && rows.every((row) => row.hidden);
    }
    const said = one("output", this.form);
    if (said) said.textContent = text || actions.length ? `${shown} shown` : "";
  }

  // An address with #addr-… opens the change that it names.
  #reveal() {
    const row = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    if (!row || !this.contains(row)) return;
    for (let up = row; up; up = up.parentElement?.closest("details")) up.open = true;
    row.scrollIntoView({ block: "center" });
  }
}
customElements.define("plan-view", PlanView);

// <command-palette src>: a dialog with a field and what it found. Read from the server when it is first wanted; from
// then on narrowed here, and asked again for what is not known yet (/jump?q=…).
class CommandPalette extends HTMLElement {
  async show() {
    await this.ready();
    if (!this.dialog.open) this.dialog.showModal();
    this.input.select();
    this.#find();
  }

  async keys() {
    await this.ready();
    one("#keys", this).showModal();
  }

  // One that could not be read is asked for again the next time.
  ready() { return (this.loading ??= this.#load().catch((error) => { this.loading = null; throw error; })); }

  async #load() {
    const answer = await fetch(this.getAttribute("src"), { redirect: "error", cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    this.append(...parsed.body.childNodes);
    this.dialog = one("dialog.palette", this);
    this.input = one("input", this);
    this.list = one(".found", this);
    this.input.addEventListener("input", () => this.#find());
    this.input.addEventListener("keydown", (event) => this.#key(event));
  }

  get #options() { return all('[role="option"]:not([hidden])', this.list); }

  #find() {
    const parts = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const option of all('[role="option"]', this.list)) {
      const text = option.textContent.toLowerCase();
      option.hidden = !parts.every((part) => text.includes(part));
    }
    for (const group of all('[role="group"]', this.list)) group.hidden = !one('[role="option"]:not([hidden])', group);
    one(".none", this.dialog).hidden = this.#options.length > 0;
    this.#pick(this.#options[0]);
  }

  #pick(option) {
    for (const other of all('[aria-selected="true"]', this.list)) other.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    if (option) this.input.setAttribute("aria-activedescendant", option.id);
    else this.input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const options = this.#options;
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") this.#pick(options[Math.min(at + 1, options.length - 1)]);
    else if (event.key === "ArrowUp") this.#pick(options[Math.max(at - 1, 0)]);
    else if (event.key === "Enter") options[at]?.click();
    else return;
    event.preventDefault();
  }
}
customElements.define("command-palette", CommandPalette);
document.addEventListener("click", (event) => {
  // Without script, the link leads to the page of the same search.
  if (event.target.closest("[data-jump]") && one("command-palette")) {
    event.preventDefault();
    one("command-palette").show();
  }
  if (event.target.closest("[data-keys-open]")) one("command-palette")?.keys();
});

// Keys. Single letters are off while typing, and as a whole where the account says so (data-keys="off").
let before = "";
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    one("command-palette")?.show();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || one("dialog[open]")) return;
  if (document.documentElement.dataset.keys === "off") return;
  const go = (selector) => {
    const target = one(selector);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input")) target.focus(); else target.click();
  };
  if (before === "g") {
    before = "";
    return go(`[data-go="${CSS.escape(event.key)}"]`);
  }
  if (event.key === "g") { before = "g"; setTimeout(() => { before = ""; }, 1200); return; }
  if (event.key === "/") return go("[data-find]");
  if (event.key === "?") return one("command-palette")?.keys();
  if (event.key === "[" || event.key === "]") return go(event.key === "[" ? '[rel="prev"]' : '[rel="next"]');
  if (event.key === "j" || event.key === "k") {
    const rows = all("main tbody th a, main details.res:not([hidden]) > summary").filter((row) => row.offsetParent);
    const at = rows.indexOf(document.activeElement);
    const next = rows[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
    next?.focus();
  }
});
