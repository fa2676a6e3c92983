// The wall: the clips nearest to the cursor, in order. Drawn from the lanes at once; what only the details know
// follows. A click for more appends, and leaves what is there.

const CHUNK = 48, MORE = 96, POSTER_RETRY_MS = [15000, 60000, 300000];

const wall = {
  day: "", nodes: new Map(), nodesOf: "", wanted: [], seen: new Map(), cursor: null, extra: [0, 0], waiting: new Set(),

  // Begin anew around the cursor.
  reset() { this.extra = [0, 0]; },

  show(lanes) {
    const list = find("#wall");
    if (!lanes) {
      if (this.day !== state.day) { this.clear(list); this.wanted = []; this.nodes.clear(); this.day = state.day; }
      const figures = footage.index().days[state.day];
      say(find("#clips-title"), "Clips");
      find("#nothing").hidden = Boolean(figures);
      say(find("#nothing"), "There is no footage of this day. Pick one in the calendar.");
      find("#before").hidden = find("#after").hidden = true;
      return;
    }
    this.day = state.day;
    const { clips } = chosen(), [from, to] = this.range(clips);
    const wanted = clips.slice(from, to);
    if (state.order === "newest") wanted.reverse();
    this.place(list, lanes, wanted);
    find("#nothing").hidden = wanted.length > 0;
    say(find("#nothing"), "No clips of this day match.");
    say(find("#clips-title"), state.second === null
      ? count(clips.length, "clip") + (state.camera ? " of “" + state.camera + "”" : "")
      : "Clips around " + clockAt(lanes, state.second).slice(0, 5));
    this.buttons(clips, from, to);
    this.fill(lanes);
  },

  // Which of the clips: around the cursor, else from the beginning of the order on.
  range(clips) {
    const newest = state.order === "newest", [before, after_] = this.extra;
    if (state.second === null) return newest ? [Math.max(0, clips.length - CHUNK - after_), clips.length] : [0, CHUNK + after_];
    const place = after(clips, state.second);
    let first = place;
    for (let number = place - 1; number >= Math.max(0, place - 500); number -= 1) {
      if (clips[number].second + clips[number].length > state.second) first = number;
    }
    if (newest) return [Math.max(0, place - CHUNK - after_), Math.min(clips.length, place + 1 + before)];
    return [Math.max(0, Math.min(first, place) - 1 - before), Math.min(clips.length, place + CHUNK + after_)];
  },

  buttons(clips, from, to) {
    const newest = state.order === "newest", above = newest ? clips.length - to : from, below = newest ? from : clips.length - to;
    const [up, down] = [find("#before"), find("#after")], next = below ? null : neighbour(state.day, !newest);
    up.hidden = !above;
    say(up, "Show " + Math.min(MORE, above) + (newest ? " later" : " earlier") + " of " + above.toLocaleString("en"));
    down.hidden = !below && !next;
    down.dataset.day = next || "";
    say(down, below ? "Show " + Math.min(MORE, below) + (newest ? " earlier" : " later") + " of " + below.toLocaleString("en") : next ? "Go on with " + shortDay(next) : "");
  },

  place(list, lanes, wanted) {
    const first = this.placed(wanted) ? this.wanted.length : 0, seen = first ? this.seen : new Map(), keys = [];
    for (const clip of first ? wanted.slice(first) : wanted) {
      const name = clip.camera + "\n" + clip.second + "\n" + clip.length, again = seen.get(name) || 0;
      seen.set(name, again + 1);
      keys.push(again ? name + "\n" + again : name);
    }
    Object.assign(this, { wanted, seen, cursor: state.second });
    if (first) this.append(list, lanes, wanted.slice(first), keys); else this.arrange(list, lanes, wanted, keys);
    this.rove();
  },

  // Whether all that is there stays as it is, and more may follow.
  placed(wanted) {
    return this.day === this.nodesOf && this.cursor === state.second && this.wanted.length > 0
      && this.wanted.length <= wanted.length && this.wanted.every((clip, number) => clip === wanted[number]);
  },

  append(list, lanes, clips, keys) {
    const added = document.createDocumentFragment();
    clips.forEach((clip, number) => {
      const item = this.item(lanes, clip, keys[number]);
      this.nodes.set(keys[number], item);
      added.append(item);
    });
    list.append(added);
  },

  arrange(list, lanes, wanted, keys) {
    const held = list.contains(document.activeElement) ? document.activeElement : null;
    const nodes = new Map(), stay = this.day === this.nodesOf ? keys.filter((key) => this.nodes.has(key)).length : 0;
    if (stay < list.children.length / 2) this.clear(list);
    let next = list.firstElementChild;
    const added = document.createDocumentFragment();
    keys.forEach((key, number) => {
      const known = this.day === this.nodesOf && this.nodes.get(key), clip = wanted[number], item = known || this.item(lanes, clip, key);
      item.firstElementChild.clip = clip;
      item.firstElementChild.classList.toggle("covers", this.covers(clip));
      nodes.set(key, item);
      if (next === item) { next = next.nextElementSibling; return; }
      if (next === null) added.append(item); else list.insertBefore(item, next);
    });
    while (next) { const gone = next; next = next.nextElementSibling; if (!this.has(nodes, gone)) gone.remove(); else list.append(gone); }
    list.append(added);
    Object.assign(this, { nodes, nodesOf: this.day });
    if (held && document.activeElement !== held && held.isConnected) held.focus({ preventScroll: true });
  },

  // Thousands at once go thirty times as fast when they are not laid out.
  clear(list) {
    list.hidden = true;
    list.getBoundingClientRect();
    list.replaceChildren();
    list.hidden = false;
  },

  has(nodes, item) { return nodes.get(item.dataset.key) === item; },

  covers(clip) {
    return state.second !== null && clip.second <= state.second && clip.second + clip.length > state.second;
  },

  item(lanes, clip, key) {
    const item = make("li"), button = make("button", "clip"), picture = make("span", "picture");
    const camera = make("span", "camera", clip.camera), at = lanes.begins + clip.second;
    camera.dir = "auto";
    button.type = "button";
    button.tabIndex = -1;
    button.clip = clip;
    button.classList.toggle("covers", this.covers(clip));
    const length = make("span", "length", clock(clip.length));
    length.setAttribute("aria-hidden", "true");
    picture.append(length);
    button.append(camera, make("span", "when", time(at * 1000)), make("span", "unseen", spoken(clip.length)), picture, make("span", "path"));
    item.append(button);
    item.dataset.key = key;
    this.waiting.add(item);
    return item;
  },

  // What only the details know: the file, the piece, the picture.
  fill(lanes) {
    for (const item of this.waiting) {
      if (!item.isConnected) { this.waiting.delete(item); continue; }
      const button = item.firstElementChild, row = rowOf(lanes, button.clip);
      if (!row) continue;
      this.waiting.delete(item);
      const about = row[ESTIMATED] ? "about " : "", [, when, , picture, path] = button.children;
      button.dataset.file = row[FILE];
      button.title = isolated(row[FILE]);
      say(when, about + time(row[AT] * 1000) + (row[PIECE] ? " · piece " + row[PIECE] : ""));
      say(path, " – " + time((row[AT] + row[SECONDS]) * 1000) + " " + isolated(row[FILE]) + " " + size(row[BYTES]));
      if (state.now.pictures && row[POSTER]) this.picture(picture, DATA + "posters/" + lanes.day + "/" + row[POSTER] + ".jpg", 0);
    }
  },

  // A picture may not be made yet, and nothing tells when it is: it is tried, and again later.
  picture(place, source, tries) {
    const image = make("img");
    image.loading = "lazy";
    image.decoding = "async";
    image.alt = "";
    image.addEventListener("load", () => place.classList.add("pictured"));
    image.addEventListener("error", () => {
      image.remove();
      if (tries < POSTER_RETRY_MS.length) setTimeout(() => { if (place.isConnected) this.picture(place, source, tries + 1); }, POSTER_RETRY_MS[tries]);
    });
    image.src = source;
    place.prepend(image);
  },

  // One of the clips is where Tab goes; the arrows go on from there.
  rove(wanted) {
    const list = find("#wall"), current = list.querySelector('.clip[tabindex="0"]'), aim = wanted || (current && current.isConnected ? current : list.querySelector(".clip"));
    if (current && current !== aim) current.tabIndex = -1;
    if (aim) aim.tabIndex = 0;
  },
};

find("#wall").addEventListener("click", (event) => {
  const button = event.target.closest(".clip"), lanes = lanesOfDay();
  if (button && lanes) player.go(lanes, button.clip, 0, true);
});
find("#wall").addEventListener("focusin", (event) => { if (event.target.clip) wall.rove(event.target); });
find("#wall").addEventListener("keydown", (event) => {
  const item = event.target.closest("li"), list = find("#wall");
  if (!item) return;
  const width = Math.max(1, Math.floor((list.clientWidth + 1) / (item.offsetWidth + 1))), items = list.children;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width, Home: -Infinity, End: Infinity };
  if (steps[event.key] === undefined) return;
  event.preventDefault();
  const number = Math.max(0, Math.min(items.length - 1, [...items].indexOf(item) + steps[event.key]));
  items[number].firstElementChild.focus();
});
find("#before").addEventListener("click", () => { wall.extra[0] += MORE; draw(); });
find("#after").addEventListener("click", (event) => {
  const { day } = event.currentTarget.dataset;
  if (day) { pick(day, true); return; }
  wall.extra[1] += MORE;
  draw();
});

let latestShown = "";
function showLatest(index) {
  const place = find("#latest"), text = JSON.stringify(index.latest);
  place.hidden = !index.latest.length;
  if (text === latestShown) return;
  latestShown = text;
  place.replaceChildren(make("span", "soft", "Arrived last:"), ...index.latest.map((item) => {
    const button = make("button", "link", isolated(item.camera) + ", " + date(item.at * 1000) + ", " + minutes(item.at * 1000));
    button.type = "button";
    button.addEventListener("click", () => {
      Object.assign(state, { day: item.hour.slice(0, 10), month: item.hour.slice(0, 7), camera: item.camera, second: null, clock: parseClock(time(item.at * 1000)) });
      find("#camera").value = item.camera;
      find("#time").value = minutes(item.at * 1000);
      wall.reset();
      render();
    });
    return button;
  }));
}
