// The box's only script: small abilities that pages ask for by attribute.
// Everything works without it, but then nothing moves by itself.
//
// data-live="/live?page=home" keep the elements named by the server up to date
// data-swap="#name"           send this form or link here and replace that element
// data-guard                  warn before leaving a form with unsaved changes; "typed": it came back so
// data-since="1700000000"     count up from that time (seconds)
// data-until="1700000000"     count down to that time (seconds)
// data-clock="Europe/Rome"    shows the reader's own clock in that zone, until somebody types
// data-copy="text"            copy text
// data-pop="c-1"              open this link by itself, once for what is named (data-awake: also while hidden)

const $ = (sel, from = document) => from.querySelector(sel);
const $$ = (sel, from = document) => [...from.querySelectorAll(sel)];

// --- data-live -------------------------------------------------------------

const SILENCE = 45000;      // the server speaks every 15 s; later than this is gone
const FIRST_RETRY = 1000, LAST_RETRY = 20000;

class Live {
  constructor(url, banner) {
    this.url = url;
    this.banner = banner;
    this.retry = FIRST_RETRY;
    this.heard = Date.now();
    this.awake = "awake" in document.body.dataset; // what it does must not wait until somebody looks
    document.addEventListener("visibilitychange", () => document.hidden && !this.awake ? this.pause() : this.open());
    addEventListener("online", () => this.open());
    addEventListener("pagehide", () => this.pause());
    addEventListener("pageshow", e => { if (e.persisted) this.open(); });
    setInterval(() => { if (this.source && Date.now() - this.heard > SILENCE) this.lost(); }, 5000);
    this.open();
  }

  open() {
    if (this.source || document.hidden && !this.awake) return;
    clearTimeout(this.timer);
    const source = this.source = new EventSource(this.url);
    source.addEventListener("patch", e => { this.alive(); this.patch(JSON.parse(e.data)); });
    source.addEventListener("alive", () => this.alive());
    source.addEventListener("gone", e => { // logged out, or the box restarts
      this.lost();
      if (e.data === "login") location.reload();
    });
    source.onerror = () => {
      // The browser tells no status: ask whether we are still logged in.
      if (source.readyState === EventSource.CLOSED) fetch("/me", { method: "HEAD" }).then(a => { if (a.status === 401) location.reload(); }, () => {});
      this.lost();
    };
  }

  alive() {
    this.heard = Date.now();
    this.retry = FIRST_RETRY;
    this.banner.hidden = true;
  }

  // A hidden tab closes its stream: it costs nothing and comes back fresh.
  pause() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  lost() {
    this.pause();
    const at = new Date(this.heard).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    this.banner.textContent = this.banner.dataset.text.replace("{time}", at);
    this.banner.hidden = false;
    this.timer = setTimeout(() => this.open(), this.retry * (0.75 + Math.random() / 2));
    this.retry = Math.min(this.retry * 2, LAST_RETRY);
  }

  patch({ id, html }) {
    const old = document.getElementById(id);
    if (!old || old.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return;
    const fresh = parse(html).getElementById(id);
    if (!fresh || old.isEqualNode(fresh) || typedIn(old, fresh)) return;
    const focus = old.contains(document.activeElement) ? document.activeElement.id : "";
    keepOpen(old, fresh);
    old.replaceWith(document.adoptNode(fresh));
    if (focus) document.getElementById(focus)?.focus();
    tick();
    pop();
  }
}

const parse = html => new DOMParser().parseFromString(html, "text/html");

// What a person has typed stays, as long as the form is there that it is meant for.
const typedIn = (old, fresh) => $$("form", old).some(f => [...f.elements].some(touched) &&
  $$("form", fresh).some(g => g.getAttribute("action") === f.getAttribute("action")));

// What a person opened stays open.
const keepOpen = (old, fresh) => $$("details[id][open]", old).forEach(d => {
  const twin = fresh.querySelector("#" + CSS.escape(d.id));
  if (twin) twin.open = true;
});

// --- data-since ------------------------------------------------------------

const two = n => String(n).padStart(2, "0");
const clock = s => s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
// The box's clock counts, not the browser's: the page says what time it was there.
const skew = Date.now() / 1000 - Number(document.body.dataset.now || Date.now() / 1000);
function tick() {
  const now = Date.now() / 1000 - skew;
  for (const el of $$("[data-since]")) {
    const text = clock(Math.max(0, Math.floor(now - Number(el.dataset.since))));
    if (el.textContent !== text) el.textContent = text;
  }
  for (const el of $$("[data-until]")) {
    const text = clock(Math.max(0, Math.ceil(Number(el.dataset.until) - now)));
    if (el.textContent !== text) el.textContent = text;
  }
}

// A field that a person has begun to change stays as it is.
function tellTime() {
  for (const el of $$("[data-clock]")) {
    if (el === document.activeElement || el.value !== el.defaultValue && el.value !== el.told) continue;
    try {
      el.value = new Date().toLocaleString("sv", { timeZone: el.dataset.clock }).replace(" ", "T");
      el.told = el.value; // the browser writes a whole minute shorter
    } catch { /* a zone that the browser does not know: it is typed */ }
  }
}

// --- data-swap -------------------------------------------------------------

function announce(text) {
  const region = $("#announce");
  if (region) region.textContent = text;
}

async function swap(el, url, options) {
  const target = $(el.dataset.swap);
  if (!target) return false;
  target.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { ...options, headers: { "X-Swap": target.id } });
    const page = parse(await answer.text());
    const fresh = page.getElementById(target.id);
    if (!fresh) { location.href = answer.url; return true; }
    const here = document.adoptNode(fresh);
    target.replaceWith(here);
    reveal(here);
    document.title = page.title || document.title;
    if (!options.body) history.replaceState(null, "", answer.url);
    if (!el.isConnected || !el.matches("[role=search]")) { here.tabIndex = -1; here.focus({ preventScroll: true }); }
    announce($("[data-announce]", here)?.textContent || page.title);
    tick();
  } catch {
    target.removeAttribute("aria-busy");
    return false;
  }
  return true;
}

document.addEventListener("submit", async e => {
  const form = e.target;
  form.dataset.sent = "1";
  if (!form.dataset.swap || !$(form.dataset.swap)) return;
  e.preventDefault();
  const data = new FormData(form, e.submitter);
  const url = new URL(e.submitter?.getAttribute("formaction") || form.action, location);
  const get = form.method === "get";
  if (get) url.search = new URLSearchParams(data);
  const done = await swap(form, url, get ? {} : { method: "POST", body: new URLSearchParams(data) });
  if (!done) form.submit();
});

document.addEventListener("click", async e => {
  const link = e.target.closest("a[data-swap]");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
  e.preventDefault();
  if (!await swap(link, link.href, {})) location.href = link.href;
});

// Search while typing, where a form asks for it.
let typing;
document.addEventListener("input", e => {
  const form = e.target.closest("form[data-swap][role=search]");
  if (!form || !$(form.dataset.swap)) return;
  clearTimeout(typing);
  typing = setTimeout(() => form.requestSubmit(), 250);
});

// --- data-guard ------------------------------------------------------------

// What stands in the page's text is the baseline, not what a browser filled in again;
// a form that came back with problems (data-guard="typed") is unsaved as it is.
const touched = el => {
  if (el.matches("select")) return [...el.options].some(o => o.selected !== o.defaultSelected) && (el.multiple || el.selectedIndex !== Math.max(0, [...el.options].findLastIndex(o => o.defaultSelected)));
  if (el.matches("[type=checkbox], [type=radio]")) return el.checked !== el.defaultChecked;
  return el.matches("input, textarea") && el.type !== "hidden" && el.value !== el.defaultValue;
};
addEventListener("beforeunload", e => {
  if ($$("form[data-guard]").some(form => !form.dataset.sent && (form.dataset.guard === "typed" || [...form.elements].some(touched)))) e.preventDefault();
});

// --- data-pop ---------------------------------------------------------------

// Tabs of one browser share what was opened. A browser that opens nothing by itself leaves
// the link, and says so.
let blocked;
function pop() {
  const link = $("[data-pop]"), said = $("#pop-blocked");
  if (!link) return;
  const key = link.dataset.pop;
  if (localStorage.getItem("popped") !== key) {
    localStorage.setItem("popped", key);
    if (!open(link.href, link.target)) {
      blocked = key;
      announce(said.textContent);
    }
  }
  said.hidden = blocked !== key; // also after it was drawn anew
}

// --- small comforts --------------------------------------------------------

document.addEventListener("keydown", e => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.target.matches("input, select, textarea")) return;
  const box = $("#search");
  if (box) { e.preventDefault(); box.focus(); box.select(); }
});

document.addEventListener("click", async e => {
  const button = e.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    announce(button.dataset.done);
    button.textContent = button.dataset.done;
  } catch { /* plain HTTP has no clipboard: the text can be selected by hand */ }
});
// The clipboard exists on HTTPS only; without it, and without this script, the buttons
// would say nothing true, so the page comes with them hidden.
function reveal(from) {
  if (navigator.clipboard) $$("[data-copy]", from).forEach(b => b.hidden = false);
}
reveal(document);

// Errors first: the summary of a refused form takes the focus.
$("#summary")?.focus();

setInterval(tick, 1000);
setInterval(tellTime, 1000);
tick();
tellTime();
pop();
const live = document.body.dataset.live;
if (live) new Live(live, $("#stale"));
