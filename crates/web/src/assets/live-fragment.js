// <live-fragment src="…">: reads a part of the page again every two seconds, until it says it is final.

class LiveFragment extends HTMLElement {
  #shown = null;
  #timer = 0;

  connectedCallback() {
    this.#later(2000);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  #later(wait) {
    if (!this.querySelector("[data-final]")) {
      this.#timer = setTimeout(() => this.#refresh(), wait);
    }
  }

  async #refresh() {
    let wait = 2000;
    try {
      const answer = await fetch(this.getAttribute("src"), { redirect: "error", cache: "no-store" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.#show(await answer.text());
    } catch {
      // The server may be restarting, or the session may have ended: the page stays readable.
      wait = 10000;
    }
    this.#later(wait);
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
    if (focused !== null) {
      const same = [...this.querySelectorAll("button, a")].find((e) => e.textContent === focused);
      same?.focus();
    }
  }
}

customElements.define("live-fragment", LiveFragment);
