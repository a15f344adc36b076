"use strict";
(() => {
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const sections = all(".part");

  // What is folded lies packed in its section. It is unpacked when the reader comes near, or searches, and becomes
  // elements when it is opened.
  const unpacked = new Map();
  function unpack(section) {
    if (!unpacked.has(section)) unpacked.set(section, bodiesOf(one("script", section)?.textContent));
    return unpacked.get(section);
  }

  async function bodiesOf(packed) {
    if (!packed) return [];
    const bytes = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  async function fill(fold) {
    const { body } = fold.dataset;
    if (body === undefined) return;
    const bodies = await unpack(fold.closest(".part"));
    if (fold.lastElementChild.matches(".body")) return;
    const element = document.createElement("div");
    element.className = "body";
    element.innerHTML = bodies[body];
    fold.append(element);
  }

  async function open(fold) {
    await fill(fold);
    fold.open = true;
  }

  const near = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      unpack(target);
    }
  }, { rootMargin: "1000px" });
  sections.forEach((section) => near.observe(section));
  document.addEventListener("toggle", ({ target }) => { if (target.open && target.matches("details")) fill(target); }, true);

  // The event the reader is at: marked, and in the address.
  let current = null;
  function mark(event) {
    current?.classList.remove("current");
    current = event;
    current.classList.add("current");
    history.replaceState(null, "", `#${event.id}`);
    const prompt = event.matches(".prompt") ? event : step(".prompt", -1, event);
    one("#rail [aria-current]")?.removeAttribute("aria-current");
    if (!prompt) return;
    const [rail, entry] = [one("#rail"), one(`#rail a[href="#${CSS.escape(prompt.id)}"]`)];
    entry.setAttribute("aria-current", "true");
    rail.scrollTop = entry.offsetTop - rail.clientHeight / 2;
  }

  function goTo(event, block = "start") {
    mark(event);
    event.scrollIntoView({ block });
    (event.matches("details") ? one("summary", event) : event).focus({ preventScroll: true });
    // What comes into view may turn out longer than it was thought to be.
    requestAnimationFrame(() => event.scrollIntoView({ block }));
  }

  const isInView = (event) => {
    const { top, bottom } = event.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  };

  function here() {
    if (current && isInView(current)) return current;
    const { left, width } = one("#main").getBoundingClientRect();
    for (let y = 90; y < innerHeight; y += 15) {
      const event = document.elementFromPoint(left + width / 2, y)?.closest(".event");
      if (event) return event;
    }
    return current;
  }

  const lists = new Map();
  function step(selector, by, from) {
    if (!lists.has(selector)) {
      const list = all(selector);
      lists.set(selector, { list, places: new Map(list.map((event, at) => [event, at])) });
    }
    const { list, places } = lists.get(selector);
    if (!from) return list[by > 0 ? 0 : list.length - 1];
    let at = places.get(from);
    if (at !== undefined) return list[at + by];
    // Not one of them: the nearest that follows, or that is before.
    let [low, high] = [0, list.length];
    while (low < high) {
      at = (low + high) >> 1;
      if (list[at].compareDocumentPosition(from) & Node.DOCUMENT_POSITION_FOLLOWING) low = at + 1;
      else high = at;
    }
    return list[by > 0 ? low : low - 1];
  }

  function move(selector, by) {
    const isTalk = document.body.classList.contains("talk");
    const event = step(isTalk && selector === ".event" ? ".prompt, .answer" : selector, by, here());
    if (event) goTo(event);
  }

  async function arrive() {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* It is taken as it is. */ }
    const event = document.getElementById(id)?.closest(".event");
    if (!event) return;
    if (event.matches("details")) await open(event);
    goTo(event);
  }
  addEventListener("hashchange", arrive);

  // Search, in everything: what is folded is read as it is packed, without its tags.
  const spelled = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };
  const textOf = (html) => html.replace(/<[^>]*>/g, "").replace(/&[a-z#0-9]+;/g, (name) => spelled[name] ?? name);
  async function textsOf(section) {
    const bodies = await unpack(section);
    return all(".event", section).map((event) => {
      const folds = (event.matches("details") ? [event] : all("details", event)).filter((fold) => fold.dataset.body);
      const packed = folds.filter((fold) => !fold.lastElementChild.matches(".body"));
      return { event, text: event.textContent + packed.map((fold) => textOf(bodies[fold.dataset.body])).join("") };
    });
  }

  let search = { hits: [], at: -1, wanted: null, isDone: true };
  const say = (text) => { one("#hits").textContent = text; };
  function tell() {
    const { hits, at, isDone } = search;
    say(hits.length ? `${at + 1} of ${hits.length}${isDone ? "" : "+"}` : "no hit");
  }

  async function find(text) {
    CSS.highlights?.clear();
    const mine = search = { hits: [], at: -1, wanted: null, isDone: false };
    if (!text) return say("");
    mine.wanted = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
    say("searching…");
    for (const section of sections) {
      const known = await textsOf(section);
      if (search !== mine) return;
      for (const { event, text } of known) {
        const count = text.match(mine.wanted)?.length ?? 0;
        for (let nth = 0; nth < count; nth++) mine.hits.push({ event, nth });
      }
      if (mine.at < 0 && mine.hits.length > 0) await show(0);
      // The page stays alive meanwhile.
      await new Promise((go) => { setTimeout(go); });
      if (search !== mine) return;
    }
    mine.isDone = true;
    tell();
  }

  // The places in an event where the text is.
  function ranges(event, wanted) {
    const walker = document.createTreeWalker(event, NodeFilter.SHOW_TEXT);
    const nodes = [];
    let text = "";
    while (walker.nextNode()) {
      nodes.push([text.length, walker.currentNode]);
      text += walker.currentNode.data;
    }
    const place = (offset, isEnd) => {
      let [low, high] = [0, nodes.length - 1];
      while (low < high) {
        const at = (low + high + 1) >> 1;
        if (nodes[at][0] < offset + (isEnd ? 0 : 1)) low = at;
        else high = at - 1;
      }
      return [nodes[low][1], offset - nodes[low][0]];
    };
    return [...text.matchAll(wanted)].map((match) => {
      const range = document.createRange();
      range.setStart(...place(match.index, false));
      range.setEnd(...place(match.index + match[0].length, true));
      return range;
    });
  }

  async function show(at) {
    if (!search.hits.length) return;
    search.at = (at + search.hits.length) % search.hits.length;
    const { event, nth } = search.hits[search.at];
    if (getComputedStyle(event).display === "none") setTalk(false);
    const folds = event.matches("details") ? [event] : all("details", event);
    for (const fold of folds) await fill(fold);
    const found = ranges(event, search.wanted);
    const now = found[nth];
    for (const fold of folds) fold.open ||= !now || fold.contains(now.startContainer);
    mark(event);
    event.scrollIntoView({ block: "nearest" });
    requestAnimationFrame(() => centre(now));
    if (CSS.highlights) {
      CSS.highlights.set("hit", new Highlight(...found));
      if (now) CSS.highlights.set("now", new Highlight(now));
    }
    tell();
  }

  // Brings a place to the middle of the window, and of the block it is in if that scrolls by itself.
  function centre(range) {
    if (!range) return;
    const block = range.startContainer.parentElement.closest("pre");
    const off = (box, height) => range.getBoundingClientRect().top - box.top - height / 2;
    if (block) block.scrollTop += off(block.getBoundingClientRect(), block.clientHeight);
    scrollBy(0, off({ top: 0 }, innerHeight));
  }

  let typed;
  one("#find").addEventListener("input", ({ target }) => {
    clearTimeout(typed);
    typed = setTimeout(() => find(target.value), 250);
  });
  one("#find").addEventListener("keydown", (key) => {
    if (key.key === "Escape") { key.target.value = ""; find(""); key.target.blur(); }
    if (key.key === "Enter") show(search.at + (key.shiftKey ? -1 : 1));
  });

  // What the reader wants to see, and how.
  function setTalk(isTalk) {
    document.body.classList.toggle("talk", isTalk);
    one("#talk").setAttribute("aria-pressed", String(isTalk));
  }
  const toggleTalk = () => setTalk(!document.body.classList.contains("talk"));
  const foldAll = () => all("details[open]").forEach((fold) => { fold.open = false; });
  const themes = ["light dark", "dark", "light"];
  function setTheme(theme) {
    document.documentElement.style.colorScheme = theme;
    one("#theme").textContent = `Theme: ${theme === "light dark" ? "system" : theme}`;
    try { localStorage.setItem("opensession.theme", theme); } catch { /* It lasts as long as the page. */ }
  }
  let theme = themes[0];
  try { theme = localStorage.getItem("opensession.theme") ?? theme; } catch { /* As the system has it. */ }
  setTheme(themes.includes(theme) ? theme : themes[0]);
  const nextTheme = () => {
    const at = themes.indexOf(document.documentElement.style.colorScheme);
    setTheme(themes[(at + 1) % themes.length]);
  };
  function toggleRail() {
    const isOpen = one("#rail").classList.toggle("open");
    one("#prompts").setAttribute("aria-expanded", String(isOpen));
  }

  const keys = {
    "/": () => one("#find").select(),
    n: () => show(search.at + 1),
    N: () => show(search.at - 1),
    j: () => move(".event", 1),
    k: () => move(".event", -1),
    "]": () => move(".prompt", 1),
    "[": () => move(".prompt", -1),
    o: () => { const fold = here(); if (fold?.matches("details")) { mark(fold); fold.open = !fold.open; } },
    x: foldAll,
    c: toggleTalk,
    d: nextTheme,
    "?": () => one("#help").showModal(),
  };
  document.addEventListener("keydown", (key) => {
    const isTyping = key.target.matches?.("input, textarea") || one("#help").open;
    if (isTyping || key.ctrlKey || key.metaKey || key.altKey || !Object.hasOwn(keys, key.key)) return;
    key.preventDefault();
    keys[key.key]();
  });
  const buttons = {
    before: keys.N, next: keys.n, prompts: toggleRail, talk: toggleTalk, fold: foldAll, theme: nextTheme, keys: keys["?"],
    close: () => one("#help").close(),
  };
  for (const [id, press] of Object.entries(buttons)) one(`#${id}`).addEventListener("click", press);
  one("#main").addEventListener("click", ({ target }) => {
    const event = target.closest(".event");
    if (event && !target.closest("a")) mark(event);
  });
  arrive();
})();
