// The player, by the wall clock: the time above the picture is that of the footage, and the lane is the seek bar.

const dialog = find("#player"), video = find("#player video"), SAY_MS = 1000;

const player = {
  open: false, lanes: null, clip: null, row: null, pushed: false, leaving: false, wanted: null, run: 0, linked: 0,

  // Play a clip from some seconds after its beginning; `fresh` when it was chosen on the page behind.
  async go(lanes, clip, offset, fresh) {
    const run = this.run += 1;
    Object.assign(this, { lanes, clip, offset: Math.max(0, offset) });
    say(find("#playing-camera"), clip.camera);
    find("#playing-camera").dir = "auto";
    if (fresh) say(find("#note"), "");
    const row = rowOf(lanes, clip);
    if (!this.open) this.show(fresh);
    this.row = row || null;
    this.tick();
    this.drawSeek();
    if (!row) {
      say(find("#details"), row === undefined ? "This clip is not listed any more." : rowFailed(lanes, clip) ? "Its details cannot be read. It is tried again by itself." : "Loading…");
      this.waiting = row === null ? run : 0;
      return;
    }
    this.waiting = 0;
    this.start(row);
  },

  start(row) {
    const source = address(row[FILE]);
    this.describe(row);
    find("#file").href = source;
    video.onerror = () => this.explain(row);
    if (video.getAttribute("src") !== source) video.src = source;
    video.currentTime = Math.min(this.offset, Math.max(0, row[SECONDS] - 0.1));
    video.play().catch(() => {}); // onerror says why; or the browser wants another click
    this.link();
  },

  describe(row) {
    const facts = [isolated(row[FILE]), "at " + clock(this.position()), clock(row[SECONDS]) + " long", row[HEIGHT] + "p", row[CODEC], size(row[BYTES])];
    say(find("#details"), facts.join(" · ") + (row[ESTIMATED] ? " · its beginning is an estimate" : ""));
  },

  show(fresh) {
    this.open = true;
    this.pushed = Boolean(fresh);
    if (fresh) history.pushState({ playing: true }, "", location.href);
    dialog.showModal();
    video.focus(); // not a button, which Space would press
  },

  // A link to a moment waits until its day is there.
  await(camera, clockSeconds) { this.wanted = { camera, clockSeconds }; },

  resume(lanes) {
    if (this.waiting && this.waiting === this.run) {
      const row = rowOf(this.lanes, this.clip);
      if (row !== null || rowFailed(this.lanes, this.clip)) this.go(this.lanes, this.clip, this.offset, false);
    }
    if (!this.wanted || !lanes) return;
    const { camera, clockSeconds } = this.wanted, lane = lanes.lanes.find((one) => one.camera === camera);
    this.wanted = null;
    const second = secondOf(lanes, clockSeconds), clip = lane && clipAt(lane, second);
    if (clip) this.go(lanes, clip, second - clip.second, false); else if (this.open) this.hide();
  },

  hide() {
    this.wanted = null;
    if (!this.open) return;
    this.open = this.leaving = false;
    this.run += 1;
    this.waiting = 0;
    video.onerror = null;
    video.removeAttribute("src");
    video.load();
    if (dialog.open) dialog.close();
    const { clip } = this, button = clip && [...document.querySelectorAll(".clip")].find((one) => one.clip.camera === clip.camera && one.clip.second === clip.second);
    const lost = document.activeElement === document.body || dialog.contains(document.activeElement);
    if (button && lost) button.focus({ preventScroll: true });
    render();
  },

  leave() { // as Back does
    if (!this.open || this.leaving) return; // closing has more than one event
    this.leaving = this.pushed;
    if (this.pushed) history.back();
    else { this.hide(); history.replaceState(null, "", link()); }
  },

  position() { return video.currentTime || 0; },
  second() { return this.row && video.getAttribute("src") === address(this.row[FILE]) ? this.clip.second + this.position() : this.clip.second + this.offset; },
  moment() { return this.lanes.begins + Math.floor(this.second()); },

  tick() {
    const about = this.row && this.row[ESTIMATED] ? "about " : "";
    say(find("#playing-time"), about + shortDay(this.lanes.day) + ", " + time(this.moment() * 1000));
    const seek = find("#seek"), mark = seek.querySelector(".mark");
    const { lasts } = this.lanes, second = this.second();
    mark.style.left = (100 * second) / lasts + "%";
    seek.setAttribute("aria-label", "Day of " + isolated(this.clip.camera));
    seek.setAttribute("aria-valuemin", 0);
    seek.setAttribute("aria-valuemax", lasts);
    seek.setAttribute("aria-valuenow", Math.round(second));
    seek.setAttribute("aria-valuetext", time(this.moment() * 1000));
  },

  drawSeek() {
    const lane = this.lane();
    if (this.open && lane) drawLane(find("#seek canvas"), lane.clips, 0, this.lanes.lasts, 2);
  },

  lane() { return this.lanes && this.lanes.lanes.find((lane) => lane.camera === this.clip.camera); },

  link() {
    if (!this.open || !this.clip) return;
    this.linked = performance.now();
    history.replaceState(history.state, "", link({ camera: this.clip.camera, at: this.moment() }));
  },

  // What is shown above and below the picture follows it; the link now and then, for browsers count such changes.
  follow() {
    if (!this.open || !this.row) return;
    this.tick();
    this.describe(this.row);
    if (performance.now() - this.linked > 5000 || video.paused) this.link();
  },

  beside(step) {
    const { clips } = this.lane(), place = clips.indexOf(this.clip);
    if (step < 0) return clips.slice(0, place).reverse().find((clip) => clip.second < this.clip.second);
    return clips.slice(place + 1).find((clip) => clip.second > this.clip.second);
  },

  step(direction, ended) {
    const next = this.beside(direction);
    if (!next) {
      say(find("#note"), "That was the " + (direction < 0 ? "first" : "last") + " clip of this camera on " + shortDay(this.lanes.day) + ".");
      return;
    }
    const gap = Math.round(next.second - this.clip.second - this.clip.length);
    say(find("#note"), direction > 0 && gap > 1 ? "No footage for " + clock(gap) + " between " + clockAt(this.lanes, this.clip.second + this.clip.length) + " and " + clockAt(this.lanes, next.second) + "." : ended ? "" : "");
    this.go(this.lanes, next, 0, false);
  },

  // The same moment on the next camera that has footage of it.
  across(direction) {
    const picked = chosen(), lanes = picked && picked.lanes.length > 1 ? picked.lanes : this.lanes.lanes, second = this.second();
    const place = lanes.findIndex((lane) => lane.camera === this.clip.camera);
    for (let number = place + direction; number >= 0 && number < lanes.length; number += direction) {
      const clip = clipAt(lanes[number], second);
      if (clip) { say(find("#note"), ""); this.go(this.lanes, clip, second - clip.second, false); return; }
    }
    say(find("#note"), "No other camera " + (direction < 0 ? "above" : "below") + " has footage of " + clockAt(this.lanes, second) + ".");
  },

  seek(second) {
    const lane = this.lane(), clip = clipAt(lane, second) || lane.clips[after(lane.clips, second)] || lane.clips.at(-1);
    say(find("#note"), "");
    if (clip === this.clip && this.row) { video.currentTime = Math.max(0, second - clip.second); return; }
    this.go(this.lanes, clip, second - clip.second, false);
  },

  // Why it does not play: the file is gone, is damaged, or is of a kind that this browser does not know.
  async explain(row) {
    const run = this.run, path = isolated(row[FILE]);
    const gone = "The MP4 is not there any more: " + path + ". It was deleted or moved" + (location.protocol === "file:" ? ", or is empty." : ".");
    const unknown = "This browser cannot play " + codecName(row[CODEC]) + ". The file is fine: open it in a player such as VLC: " + path;
    const damaged = "The MP4 cannot be played: it is damaged, or cannot be read. Check it with: camspool verify. The file: " + path;
    const text = await missing(row[FILE]) ? gone : plays(row[CODEC]) ? damaged : unknown;
    if (run === this.run) say(find("#note"), text);
  },

  async copy() {
    const where = location.protocol === "file:" ? this.clip.camera + ", " + moment(this.moment() * 1000) + ": " + (this.row ? this.row[FILE] : "") + ", at " + clock(this.position())
      : location.href.split("#")[0] + link({ camera: this.clip.camera, at: this.moment() });
    this.link();
    say(find("#note"), await copied(where) ? "Copied: " + where : where);
  },

  frame(direction) { video.pause(); video.currentTime = Math.max(0, this.position() + direction / 25); },
  toggle() { if (video.paused) video.play().catch(() => {}); else video.pause(); },
};

const TYPES = { hevc: ["hvc1.1.6.L93.B0", "hev1.1.6.L93.B0"], av1: ["av01.0.05M.08"], h264: ["avc1.640028"] };
const codecName = (codec) => ({ hevc: "H.265 (HEVC)", h264: "H.264", av1: "AV1" })[codec] || isolated(codec);
const plays = (codec) => (TYPES[codec] || []).some((type) => video.canPlayType('video/mp4; codecs="' + type + '"')) || !TYPES[codec] && codec !== "hevc";

// Whether a file is gone: from a server it can be asked for; beside a page from a folder, only what the player says tells.
async function missing(file) {
  if (location.protocol !== "file:") {
    try { return [404, 410].includes((await fetch(address(file), { method: "HEAD" })).status); } catch { return false; }
  }
  return /Format error|not.?found|404/i.test(video.error ? video.error.message : "");
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // not allowed, or not offered to a page without https
    const field = make("textarea");
    field.value = text;
    dialog.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

for (const event of ["timeupdate", "seeked", "pause"]) video.addEventListener(event, () => player.follow());
video.addEventListener("ended", () => player.step(1, true));
dialog.addEventListener("close", () => player.leave());
dialog.addEventListener("cancel", (event) => { event.preventDefault(); player.leave(); });
dialog.addEventListener("click", (event) => { if (event.target === dialog) player.leave(); });
find("#close").addEventListener("click", () => player.leave());
find("#clip-before").addEventListener("click", () => player.step(-1));
find("#clip-after").addEventListener("click", () => player.step(1));
find("#copy").addEventListener("click", () => player.copy());
find("#help").addEventListener("click", () => showKeys());
find("#seek").addEventListener("click", (event) => {
  const box = find("#seek").getBoundingClientRect();
  player.seek(((event.clientX - box.left) / box.width) * player.lanes.lasts);
});
function showKeys() {
  const keys = find("#keys");
  keys.hidden = !keys.hidden;
  find("#help").setAttribute("aria-expanded", String(!keys.hidden));
}
if (location.protocol === "file:") {
  // A link from one folder's page means nothing on another machine, and a browser saves nothing from a folder.
  say(find("#copy"), "Copy path and time");
  say(find("#file"), "Open the MP4");
  find("#file").target = "_blank";
  find("#file").rel = "noopener";
}

const KEYS = {
  " ": () => player.toggle(),
  j: () => player.seek(player.second() - 10),
  l: () => player.seek(player.second() + 10),
  ",": () => player.frame(-1),
  ".": () => player.frame(1),
  "[": () => player.step(-1),
  "]": () => player.step(1),
  ArrowUp: () => player.across(-1),
  ArrowDown: () => player.across(1),
  s: () => find("#file").click(),
  c: () => player.copy(),
  "?": () => showKeys(),
};
dialog.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (target === find("#seek") && (key === "ArrowLeft" || key === "ArrowRight")) {
    event.preventDefault();
    player.seek(player.second() + (key === "ArrowLeft" ? -10 : 10));
    return;
  }
  const action = KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (!action || (key === " " && target.matches("button, a"))) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}, true);
