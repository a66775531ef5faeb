// <live-fragment src="…">: shows a part of the page anew until the part says that it is final: as the server tells it, by
// events at src/events, where the element says `events`, and else by reading src every two seconds. A hidden page
// listens to nothing: browsers have few connections for each host.

class LiveFragment extends HTMLElement {
  #shown = null;
  #source = null;
  #timer = 0;
  #seen = () => (document.hidden ? this.#close() : this.#open());

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#seen);
    this.#open();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#seen);
    this.#close();
  }

  #open() {
    if (this.#source || document.hidden || this.querySelector("[data-final]")) return;
    if (!this.hasAttribute("events")) {
      this.#later(2000);
      return;
    }
    const [path, query] = this.getAttribute("src").split("?");
    this.#source = new EventSource(query ? `${path}/events?${query}` : `${path}/events`);
    this.#source.onmessage = (event) => this.#show(event.data);
    this.#source.onerror = () => {
      // A stream that ended is opened again by the browser. One that was refused is not: the server may be restarting,
      // or the session may have ended. The page stays readable.
      if (this.#source?.readyState !== EventSource.CLOSED) return;
      this.#close();
      this.#timer = setTimeout(() => this.#open(), 10000);
    };
  }

  #later(wait) {
    clearTimeout(this.#timer);
    if (!this.querySelector("[data-final]")) this.#timer = setTimeout(() => this.#refresh(), wait);
  }

  async #refresh() {
    let wait = 2000;
    try {
      const answer = await fetch(this.getAttribute("src"), { redirect: "error", cache: "no-store" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.#show(await answer.text());
    } catch {
      wait = 10000;
    }
    if (this.isConnected && !document.hidden) this.#later(wait);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #show(text) {
    if (text === this.#shown) return;
    // Nobody's words are touched: what somebody types in stays until it is sent or taken back.
    const typed = [...this.querySelectorAll("textarea, input:not([type=hidden])")].some((e) => e.value !== e.defaultValue);
    if (typed) return;
    this.#shown = text;
    // Nobody's keyboard or screen reader loses its place: what has the focus finds it again.
    const focused = this.contains(document.activeElement) ? document.activeElement.textContent : null;
    const parsed = new DOMParser().parseFromString(text, "text/html");
    this.replaceChildren(...parsed.body.childNodes);
    if (this.querySelector("[data-final]")) this.#close();
    if (focused !== null) {
      const same = [...this.querySelectorAll("button, a")].find((e) => e.textContent === focused);
      same?.focus();
    }
  }
}

customElements.define("live-fragment", LiveFragment);
