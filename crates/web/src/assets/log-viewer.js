// <log-viewer src="…" label="…">: shows a log and follows it until it ends. Reads on by byte offset, so nothing
// is lost or read twice; what the log says is only ever text.

const STX = 2;
const ETX = 3;
const LIMIT = 65536;
const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

class LogViewer extends HTMLElement {
  #offset = 0;
  #wait = 500;
  #timer = 0;
  #rest = "";
  #style = { colour: "", bold: false, underline: false, faint: false };
  #text = new TextDecoder("utf-8");

  connectedCallback() {
    this.log = document.createElement("pre");
    this.log.tabIndex = 0;
    this.log.setAttribute("role", "region");
    this.log.setAttribute("aria-label", this.getAttribute("label"));
    this.state = document.createElement("p");
    this.state.className = "hint";
    this.state.textContent = "Nothing yet.";
    this.prepend(this.state, this.log);
    this.#read();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  async #read() {
    // Looked up before the log is read: what was written before the end is then read after it.
    const over = document.querySelector("[data-final]") !== null;
    try {
      const address = `${this.getAttribute("src")}?limit=${LIMIT}&offset=${this.#offset}`;
      const answer = await fetch(address, { cache: "no-store", credentials: "omit" });
      if (answer.status === 404) {
        this.state.textContent = "This log can no longer be read from here. Reload the page.";
        return;
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (bytes.length > 0) {
        this.#wait = 500;
        if (this.#append(bytes)) return this.#end();
        return this.#read();
      }
      if (over) return this.#end();
      this.#wait = Math.min(this.#wait * 1.2, 2000);
    } catch {
      this.state.textContent = "Cannot be reached at the moment; trying again.";
      this.#wait = 5000;
    }
    this.#timer = setTimeout(() => this.#read(), this.#wait);
  }

  // Shows more of the log; says whether that was the end of it.
  #append(bytes) {
    const first = this.#offset === 0 && bytes[0] === STX ? 1 : 0;
    const ended = bytes[bytes.length - 1] === ETX;
    this.#offset += bytes.length;
    const shown = bytes.subarray(first, ended ? bytes.length - 1 : bytes.length);
    const lines = (this.#rest + this.#text.decode(shown, { stream: !ended })).split("\n");
    this.#rest = ended ? "" : lines.pop();
    const follows = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 40;
    const fragment = document.createDocumentFragment();
    for (const line of lines) this.#line(line, fragment);
    this.log.append(fragment);
    if (this.log.childNodes.length > 0) this.state.textContent = "";
    if (follows) this.log.scrollTop = this.log.scrollHeight;
    return ended;
  }

  #end() {
    if (this.#rest !== "") {
      this.#line(this.#rest, this.log);
      this.#rest = "";
    }
    this.state.textContent = this.log.childNodes.length > 0 ? "" : "There is no log.";
  }

  #line(line, to) {
    this.#coloured(readable(line), to);
    to.append("\n");
  }

  // Colours and weights become classes; every other control sequence is left out.
  #coloured(line, to) {
    const pieces = line.replaceAll("\r", "").split(/\x1b\[([0-9;:?<=>]*)([@-~])/);
    for (let i = 0; i < pieces.length; i += 3) {
      const text = pieces[i].replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
      if (text !== "") to.append(this.#piece(text));
      if (pieces[i + 2] === "m") this.#select(pieces[i + 1].split(";").map(Number));
    }
  }

  #piece(text) {
    const { colour, bold, underline, faint } = this.#style;
    const classes = [colour, bold && "bold", underline && "underline", faint && "faint"].filter(Boolean);
    if (classes.length === 0) return document.createTextNode(text);
    const span = document.createElement("span");
    span.className = classes.map((name) => `ansi-${name}`).join(" ");
    span.textContent = text;
    return span;
  }

  #select(codes) {
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i];
      if (code === 0) this.#style = { colour: "", bold: false, underline: false, faint: false };
      else if (code === 1) this.#style.bold = true;
      else if (code === 2) this.#style.faint = true;
      else if (code === 4) this.#style.underline = true;
      else if (code === 22) this.#style.bold = this.#style.faint = false;
      else if (code === 24) this.#style.underline = false;
      else if (code >= 30 && code <= 37) this.#style.colour = COLOURS[code - 30];
      else if (code >= 90 && code <= 97) this.#style.colour = COLOURS[code - 90];
      else if (code === 39) this.#style.colour = "";
      else if (code === 38 || code === 48) i += codes[i + 1] === 5 ? 2 : 4;
    }
  }
}

// A line of a structured log says what it has to say in "@message"; diagnostics have more.
function readable(line) {
  if (!line.startsWith("{")) return line;
  try {
    const event = JSON.parse(line);
    if (typeof event["@message"] !== "string") return line;
    const detail = event.diagnostic?.detail;
    return typeof detail === "string" && detail !== "" ? `${event["@message"]}\n\n${detail}\n` : event["@message"];
  } catch {
    return line;
  }
}

customElements.define("log-viewer", LogViewer);
