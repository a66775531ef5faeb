// <log-viewer src="…" label="…" stem="plan">: a log of any length. Lines are kept as text; only the pieces near the
// eye are elements. Reads on by byte offset, so nothing is lost or read twice; what the log says is only ever text.

const STX = 2;
const ETX = 3;
const PIECE = 200;
const LINE_PX = 20;
const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const PLAIN = { colour: "", bold: false, faint: false, italic: false, underline: false };

class LogViewer extends HTMLElement {
  #lines = [];
  #pieces = [];
  #rest = "";
  #style = PLAIN;
  #text = new TextDecoder();
  #offset = 0;
  #over = false;
  #follows = true;
  #found = [];
  #at = -1;
  #query = "";
  #first = null;

  connectedCallback() {
    if (this.box) return;
    this.stem = this.getAttribute("stem") ?? "log";
    this.#build();
    this.near = new IntersectionObserver((seen) => this.#seen(seen), { root: this.box, rootMargin: "800px 0px" });
    addEventListener("hashchange", () => this.#go());
    this.#read();
  }

  disconnectedCallback() { clearTimeout(this.timer); }

  #build() {
    const make = (tag, props = {}, ...inside) => {
      const element = Object.assign(document.createElement(tag), props);
      element.append(...inside);
      return element;
    };
    const toggle = (text, pressed, act) => {
      const button = make("button", { type: "button", className: "toggle", textContent: text });
      button.setAttribute("aria-pressed", pressed);
      button.addEventListener("click", () => act(button.getAttribute("aria-pressed") !== "true"));
      return button;
    };
    const label = this.getAttribute("label");
    this.input = make("input", { type: "search", placeholder: "Find in the log" });
    this.input.setAttribute("aria-label", `Find in the ${label}`);
    this.input.addEventListener("input", () => this.#search());
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#step(event.shiftKey ? -1 : 1);
    });
    this.count = make("output");
    this.error = make("button", { type: "button", className: "toggle", textContent: "First error", hidden: true });
    this.error.addEventListener("click", () => this.#show(this.firstError));
    this.follow = toggle("Follow", true, (on) => this.#following(on));
    this.wrap = toggle("Wrap", false, (on) => { this.classList.toggle("wraps", on); this.wrap.setAttribute("aria-pressed", on); this.#measure(); });
    this.times = toggle("Times", false, (on) => { this.classList.toggle("times", on); this.times.setAttribute("aria-pressed", on); });
    const raw = make("a", { className: "button quiet small", href: this.getAttribute("src"), textContent: "Raw" });
    this.box = make("div", { className: "lines-box", tabIndex: 0 });
    this.box.setAttribute("role", "region");
    this.box.setAttribute("aria-label", `Lines of the ${label}`);
    this.box.addEventListener("scroll", () => {
      const end = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 30;
      if (!end && this.#follows && this.#moved) this.#following(false);
      if (end && !this.#over) this.#following(true);
    });
    for (const kind of ["wheel", "touchmove", "keydown"]) this.box.addEventListener(kind, () => { this.#moved = true; }, { passive: true });
    this.state = make("p", { className: "state", textContent: "Reading…" });
    this.state.setAttribute("role", "status");
    const find = make("span", { className: "search" }, this.input);
    this.replaceChildren(
      make("div", { className: "bar" }, find, this.count, this.error, make("span", { className: "push" }), this.times, this.wrap, this.follow, raw),
      this.box,
      this.state,
    );
    this.box.addEventListener("click", (event) => this.#pick(event));
  }

  #moved = false;
  #wait = 500;

  async #read() {
    // Looked up before the log is read: what was written before the end is then read after it.
    const over = document.querySelector("[data-final]") !== null;
    let wait = this.#wait;
    try {
      const address = `${this.getAttribute("src")}?limit=65536&offset=${this.#offset}`;
      const answer = await fetch(address, { cache: "no-store", credentials: "omit" });
      if (answer.status === 404) {
        this.state.textContent = "This log can no longer be read from here. Reload the page.";
        return;
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (bytes.length > 0) {
        this.#wait = 500;
        if (this.take(bytes)) return this.#end();
        wait = 0;
      } else {
        if (over) return this.#end();
        if (!this.#lines.length) this.state.textContent = "Nothing yet.";
        this.#wait = Math.min(this.#wait * 1.2, 2000);
      }
    } catch {
      this.state.textContent = "The log cannot be reached at the moment; trying again.";
      wait = 5000;
    }
    this.timer = setTimeout(() => this.#read(), wait);
  }

  // Takes more of the log; says whether that was its end.
  take(bytes) {
    const first = this.#offset === 0 && bytes[0] === STX ? 1 : 0;
    const ended = bytes[bytes.length - 1] === ETX;
    this.#offset += bytes.length;
    const lines = (this.#rest + this.#text.decode(bytes.subarray(first, ended ? -1 : undefined), { stream: !ended })).split("\n");
    this.#rest = ended ? "" : lines.pop();
    for (const line of lines) this.#take(line);
    if (ended && lines.at(-1) === "") this.#lines.pop();
    this.#measure();
    this.state.textContent = `${this.#lines.length.toLocaleString("en")} lines so far.`;
    if (this.#query) this.#search(false);
    if (this.#follows) this.box.scrollTop = this.box.scrollHeight;
    return ended;
  }

  #end() {
    if (this.#rest) { this.#take(this.#rest); this.#rest = ""; this.#measure(); }
    this.#over = true;
    this.#following(false);
    this.follow.hidden = true;
    this.box.scrollTop = 0;
    this.state.textContent = this.#lines.length ? `${this.#lines.length.toLocaleString("en")} lines. The log is complete.` : "There is no log.";
    this.#go();
  }

  // A line of a structured log says what it has to say in "@message"; diagnostics have more.
  #take(line) {
    let at = null;
    let text = line;
    let error = false;
    if (line.startsWith("{")) {
      try {
        const event = JSON.parse(line);
        if (typeof event["@message"] === "string") {
          at = Date.parse(event["@timestamp"]);
          error = event["@level"] === "error";
          const more = event.diagnostic?.detail;
          text = more ? `${event["@message"]}\n\n${more}` : event["@message"];
        }
      } catch { /* Not structured after all: shown as it is. */ }
    }
    this.#first ??= at;
    const passed = at === null ? "" : clock(at - this.#first);
    for (const raw of text.replaceAll("\r", "").split("\n")) {
      const style = this.#style;
      if (raw.includes("\x1b")) for (const [, codes] of raw.matchAll(/\x1b\[([0-9;]*)m/g)) this.#style = styled(this.#style, codes);
      const bad = error || (raw.includes("Error: ") && /^(│ )?Error: /.test(plain(raw)));
      if (bad && this.firstError === undefined) { this.firstError = this.#lines.length; this.error.hidden = false; }
      this.#lines.push({ raw, style, bad, at: passed });
    }
  }

  // Gives every piece its place and height; fills those that are seen.
  #measure() {
    const wanted = Math.ceil(this.#lines.length / PIECE);
    while (this.#pieces.length < wanted) {
      const piece = document.createElement("div");
      piece.className = "chunk";
      piece.number = this.#pieces.length;
      this.#pieces.push(piece);
      this.box.append(piece);
      this.near.observe(piece);
    }
    for (const piece of this.#pieces) {
      const lines = Math.min(PIECE, this.#lines.length - piece.number * PIECE);
      if (piece.filled && piece.filled !== lines) this.#fill(piece);
      else if (!piece.filled) piece.style.height = `${lines * LINE_PX}px`;
    }
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#fill(target);
      else if (target.filled) {
        target.style.height = `${target.offsetHeight}px`;
        target.replaceChildren();
        target.filled = 0;
      }
    }
  }

  #fill(piece) {
    const from = piece.number * PIECE;
    const lines = this.#lines.slice(from, from + PIECE);
    piece.replaceChildren(...lines.map((line, index) => this.#element(line, from + index)));
    piece.style.height = "";
    piece.filled = lines.length;
  }

  #element(line, index) {
    const row = document.createElement("div");
    row.className = `ln${line.bad ? " err" : ""}${this.#isPicked(index) ? " picked" : ""}`;
    const link = document.createElement("a");
    link.href = `#${this.stem}-L${index + 1}`;
    link.textContent = index + 1;
    link.setAttribute("aria-label", `Line ${index + 1}`);
    link.tabIndex = -1;
    const time = document.createElement("time");
    time.textContent = line.at;
    const text = document.createElement("span");
    for (const [names, words] of coloured(line)) text.append(this.#marked(words, names, index));
    row.append(link, time, text);
    return row;
  }

  #marked(words, names, index) {
    const span = document.createElement("span");
    if (names) span.className = names;
    if (!this.#query) { span.textContent = words; return span; }
    const lower = words.toLowerCase();
    let from = 0;
    for (let at = lower.indexOf(this.#query); at >= 0; at = lower.indexOf(this.#query, from)) {
      span.append(words.slice(from, at));
      const mark = document.createElement("mark");
      mark.textContent = words.slice(at, at + this.#query.length);
      if (this.#found[this.#at] === index) mark.className = "here";
      span.append(mark);
      from = at + this.#query.length;
    }
    span.append(words.slice(from));
    return span;
  }

  #search(jump = true) {
    this.#query = this.input.value.toLowerCase();
    this.#found = [];
    if (this.#query) this.#lines.forEach((line, index) => { if ((line.lower ??= plain(line.raw).toLowerCase()).includes(this.#query)) this.#found.push(index); });
    if (jump) { this.#at = -1; if (this.#found.length) return this.#step(1); }
    this.#told();
    this.#again();
  }

  #step(by) {
    if (!this.#found.length) return;
    this.#at = (this.#at + by + this.#found.length) % this.#found.length;
    this.#told();
    this.#show(this.#found[this.#at]);
  }

  #told() {
    this.count.textContent = !this.#query ? "" : this.#found.length ? `${this.#at + 1} of ${this.#found.length}` : "not found";
  }

  #again() { for (const piece of this.#pieces) if (piece.filled) this.#fill(piece); }

  #following(on) {
    this.#follows = on;
    this.#moved = false;
    this.follow.setAttribute("aria-pressed", on);
    if (on) this.box.scrollTop = this.box.scrollHeight;
  }

  #show(index) {
    if (index === undefined || !this.#pieces.length) return;
    this.#following(false);
    const piece = this.#pieces[Math.floor(index / PIECE)];
    this.#fill(piece);
    const row = piece.children[index % PIECE];
    this.box.scrollTop = row.offsetTop - this.box.offsetTop - this.box.clientHeight / 3;
    this.#again();
  }

  // A click on a number names the line; with Shift, everything from the one before.
  #pick(event) {
    const link = event.target.closest?.("a[href]");
    if (!link || !event.shiftKey || !this.picked) return;
    event.preventDefault();
    const end = Number(link.textContent);
    const [from, to] = [this.picked[0], end].sort((a, b) => a - b);
    history.replaceState(null, "", `#${this.stem}-L${from}-L${to}`);
    this.#go(false);
  }

  #isPicked(index) { return this.picked && index + 1 >= this.picked[0] && index + 1 <= this.picked[1]; }

  #go(scroll = true) {
    const named = new RegExp(`^#${this.stem}-L(\\d+)(?:-L(\\d+))?$`).exec(location.hash);
    this.picked = named ? [Number(named[1]), Number(named[2] ?? named[1])] : null;
    if (named && scroll) this.#show(Number(named[1]) - 1); else this.#again();
  }
}

// Colours and weights become classes; every other control sequence is left out.
function coloured({ raw, style }) {
  const out = [];
  const cut = raw.split(/\x1b\[([0-9;:?<=>]*)([@-~])/);
  for (let i = 0; i < cut.length; i += 3) {
    const text = bare(cut[i]);
    if (text) out.push([classes(style), text]);
    if (cut[i + 2] === "m") style = styled(style, cut[i + 1]);
  }
  return out;
}

const bare = (text) => text.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
const plain = (raw) => bare(raw.replace(/\x1b\[[0-9;:?<=>]*[@-~]/g, ""));

function styled(before, codes) {
  const style = { ...before };
  const list = codes.split(";").map(Number);
  for (let i = 0; i < list.length; i += 1) {
    const code = list[i];
    if (code === 0) Object.assign(style, PLAIN);
    else if (code === 1) style.bold = true;
    else if (code === 2) style.faint = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 22) style.bold = style.faint = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.underline = false;
    else if (code >= 30 && code <= 37) style.colour = COLOURS[code - 30];
    else if (code >= 90 && code <= 97) style.colour = COLOURS[code - 90];
    else if (code === 39) style.colour = "";
    else if (code === 38 || code === 48) i += list[i + 1] === 5 ? 2 : 4;
  }
  return style;
}

const classes = (style) => [style.colour, style.bold && "bold", style.faint && "faint", style.italic && "italic", style.underline && "underline"]
  .filter(Boolean).map((name) => `ansi-${name}`).join(" ");

function clock(passed) {
  const seconds = passed / 1000;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(1).padStart(4, "0")}`;
}

customElements.define("log-viewer", LogViewer);
