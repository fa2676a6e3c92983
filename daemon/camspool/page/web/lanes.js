// The day as lanes, one a camera, with one time for all. A click plays there.

const MANY_LANES = 60, NEAR_PX = 5;
const window_ = () => [state.hours[0] * 3600, state.hours[1] === 24 ? Math.max(86400, lanesOfDay()?.lasts || 0) : state.hours[1] * 3600];
const colours = () => { const style = getComputedStyle(document.documentElement); return { clip: style.getPropertyValue("--clip"), line: style.getPropertyValue("--line") }; };

// Draw the clips of a lane, or as much of them as falls between two moments.
function drawLane(canvas, clips, from, to, hours) {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d"), { clip: colour, line } = colours(), scale = width / (to - from);
  pen.scale(ratio, ratio);
  pen.fillStyle = line;
  for (let second = Math.ceil(from / hours / 3600) * hours * 3600; second < to; second += hours * 3600) pen.fillRect((second - from) * scale, 0, 1, height);
  pen.fillStyle = colour;
  const top = Math.round(height * 0.2), tall = height - 2 * top;
  let left = -1, right = -1;
  for (const { second, length } of clips) {
    if (second + length < from || second > to) continue;
    const start = (second - from) * scale, end = Math.max(start + 1.5, (second + length - from) * scale - (length * scale > 6 ? 1 : 0));
    if (right >= 0 && start <= right + 0.5 && length * scale <= 6) { right = Math.max(right, end); continue; }
    if (right >= 0) pen.fillRect(left, top, right - left, tall);
    [left, right] = [start, end];
  }
  if (right >= 0) pen.fillRect(left, top, right - left, tall);
}

const clockAt = (lanes, second) => time((lanes.begins + second) * 1000);

const tracks = {
  shown: null, many: MANY_LANES, held: 0, hoursChosen: false,

  show(lanes) {
    const list = find("#tracks");
    find("#lanes").hidden = !lanes;
    if (!lanes) { this.shown = null; say(find("#lanes-note"), ""); return; }
    if (narrow.matches && !this.hoursChosen) this.chooseHours(lanes);
    const picked = chosen(), some = narrow.matches ? picked.lanes.slice(0, 1) : picked.lanes.slice(0, this.many);
    this.note(lanes, picked, some.length);
    this.showOne(lanes, some[0]);
    const key = [lanes, state.hours.join(), some.length, some[0], narrow.matches, state.camera];
    if (!this.shown || key.some((value, place) => value !== this.shown[place])) {
      this.shown = key;
      this.build(list, lanes, some);
    }
    this.mark(lanes);
  },

  chooseHours(lanes) {
    this.hoursChosen = true;
    const last = Math.max(0, ...lanes.lanes.map((lane) => lane.clips.at(-1).second));
    showHoursAround(state.second === null ? last : state.second);
    if (state.hours[1] === 24 && state.hours[0] === 0) { state.hours = [0, 24]; showHoursIn(last); }
  },

  note(lanes, picked, shown) {
    const words = [];
    if (!picked.lanes.length) words.push("No camera with footage of this day matches “" + state.camera + "”.");
    else if (picked.lanes.length > shown) words.push("+ " + count(picked.lanes.length - shown, "lane") + " not shown: narrow the cameras down, or see the clips below.");
    if (picked.others) words.push("+ " + count(picked.others, "camera") + " without “" + state.camera + "”");
    say(find("#lanes-note"), words.join(" "));
  },

  showOne(lanes, one) {
    const list = find("#one"), names = lanes.lanes.map((lane) => lane.camera), key = JSON.stringify([names, one && one.camera]);
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    list.replaceChildren(...names.map((name) => {
      const option = make("option", "", name);
      option.value = name;
      option.selected = Boolean(one) && name === one.camera;
      return option;
    }));
  },

  build(list, lanes, some) {
    const held = list.contains(document.activeElement) && document.activeElement.dataset.camera;
    this.lanes = some;
    this.held = Math.min(this.held, Math.max(0, some.length - 1));
    while (list.children.length > some.length) list.lastElementChild.remove();
    while (list.children.length < some.length) list.append(this.lane());
    some.forEach((lane, number) => {
      const row = list.children[number], name = row.firstElementChild, track = row.lastElementChild;
      say(name, lane.camera);
      name.title = isolated(lane.camera);
      track.dataset.camera = lane.camera;
      track.dataset.number = number;
      track.tabIndex = number === this.held ? 0 : -1;
      track.setAttribute("aria-label", isolated(lane.camera));
      track.setAttribute("aria-valuemin", 0);
      track.setAttribute("aria-valuemax", lanes.lasts);
    });
    this.axis(lanes);
    this.draw();
    if (held && document.activeElement.dataset.camera !== held) [...list.querySelectorAll(".track")].find((track) => track.dataset.camera === held)?.focus({ preventScroll: true });
  },

  lane() {
    const row = make("div", "lane"), name = make("bdi", "name"), track = make("div", "track");
    name.dir = "auto";
    track.setAttribute("role", "slider");
    track.append(make("canvas"));
    row.append(name, track);
    return row;
  },

  axis(lanes) {
    const [from, to] = window_(), step = (to - from > 43200 ? (find("#lanes").clientWidth < 700 ? 4 : 2) : 1) * 3600, labels = [];
    for (let second = from; second <= to; second += step) {
      const label = make("span", "", second >= lanes.lasts ? "24" : minutes((lanes.begins + second) * 1000).slice(0, 2));
      label.style.left = (100 * (second - from)) / (to - from) + "%";
      labels.push(label);
    }
    find("#axis").replaceChildren(...labels);
  },

  draw() {
    const [from, to] = window_();
    [...find("#tracks").children].forEach((row, number) => drawLane(row.lastElementChild.firstElementChild, this.lanes[number].clips, from, to, to - from > 43200 ? 2 : 1));
  },

  // The cursor, and what each lane says of it.
  mark(lanes) {
    const [from, to] = window_(), cursor = find("#cursor"), { second } = state, track = find("#tracks .track");
    cursor.hidden = second === null || second < from || second > to || !track;
    if (!cursor.hidden) {
      const box = find("#tracks").firstElementChild.lastElementChild;
      cursor.style.left = box.offsetLeft + (box.clientWidth * (second - from)) / (to - from) + "px";
      cursor.style.height = find("#tracks").offsetHeight + find("#axis").offsetHeight + "px";
    }
    for (const [number, row] of [...find("#tracks").children].entries()) {
      const slider = row.lastElementChild;
      slider.setAttribute("aria-valuenow", second === null ? 0 : Math.round(second));
      slider.setAttribute("aria-valuetext", this.words(lanes, this.lanes[number], second));
    }
  },

  words(lanes, lane, second) {
    const name = isolated(lane.camera), at = (moment) => clockAt(lanes, moment).slice(0, 5);
    if (second === null) return name + ", " + count(lane.clips.length, "clip") + ", " + at(lane.clips[0].second) + " to " + at(Math.min(lanes.lasts - 1, lane.clips.at(-1).second + lane.clips.at(-1).length));
    const clip = clipAt(lane, second);
    if (clip) return name + ", " + at(clip.second) + " to " + at(clip.second + clip.length);
    const next = lane.clips[after(lane.clips, second)];
    return name + ", no footage at " + at(second) + (next ? ", next at " + at(next.second) : ", none later");
  },

  at(track, x) {
    const box = track.getBoundingClientRect(), [from, to] = window_();
    return Math.max(from, Math.min(to - 1, from + ((x - box.left) / box.width) * (to - from)));
  },

  // The clip under the pointer, or one so near that it was meant.
  near(track, x) {
    const lane = this.lanes[track.dataset.number], second = this.at(track, x), [from, to] = window_();
    const slack = (NEAR_PX / track.clientWidth) * (to - from), covering = clipAt(lane, second);
    if (covering) return { clip: covering, second };
    const place = after(lane.clips, second), candidates = [lane.clips[place - 1], lane.clips[place]].filter(Boolean);
    const distance = (clip) => (clip.second > second ? clip.second - second : second - clip.second - clip.length);
    const [clip] = candidates.sort((one, other) => distance(one) - distance(other));
    if (!clip || distance(clip) > slack) return { clip: null, second };
    return { clip, second: Math.max(clip.second, Math.min(clip.second + clip.length - 1, second)) };
  },
};

function setCursor(second) {
  const lanes = lanesOfDay();
  state.second = Math.max(0, Math.min(lanes.lasts - 1, Math.round(second)));
  find("#time").value = clockAt(lanes, state.second).slice(0, 5);
  wall.reset();
  render();
}

find("#tracks").addEventListener("click", (event) => {
  const track = event.target.closest(".track"), lanes = lanesOfDay();
  if (!track || !lanes) return;
  const { clip, second } = tracks.near(track, event.clientX);
  preview.hide();
  if (clip) player.go(lanes, clip, second - clip.second, true); else setCursor(second);
});

find("#tracks").addEventListener("focusin", (event) => {
  if (event.target.dataset.number) tracks.held = Number(event.target.dataset.number);
});

find("#tracks").addEventListener("keydown", (event) => {
  const lanes = lanesOfDay(), number = Number(event.target.dataset.number), lane = tracks.lanes && tracks.lanes[number];
  if (!lanes || !lane || event.ctrlKey || event.altKey || event.metaKey) return;
  const second = state.second, place = second === null ? 0 : after(lane.clips, second), current = second === null ? null : clipAt(lane, second);
  const before = () => lane.clips[after(lane.clips, (current ? current.second : second === null ? 1 : second) - 1) - 1] || lane.clips[0];
  const moves = {
    ArrowRight: () => setCursor(event.shiftKey ? (second || 0) + 60 : (lane.clips[place] || lane.clips.at(-1)).second),
    ArrowLeft: () => setCursor(event.shiftKey ? (second || 0) - 60 : before().second),
    "]": () => setCursor((lane.clips[place] || lane.clips.at(-1)).second),
    "[": () => setCursor(before().second),
    PageDown: () => setCursor((second || 0) + 3600),
    PageUp: () => setCursor((second || 0) - 3600),
    Home: () => setCursor(lane.clips[0].second),
    End: () => setCursor(lane.clips.at(-1).second),
    ArrowDown: () => tracks.focus(number + 1),
    ArrowUp: () => tracks.focus(number - 1),
    Enter: () => {
      const clip = second === null ? lane.clips[0] : current || lane.clips[place] || lane.clips.at(-1);
      player.go(lanes, clip, current ? second - clip.second : 0, true);
    },
  };
  moves[" "] = moves.Enter;
  if (!moves[event.key]) return;
  event.preventDefault();
  moves[event.key]();
});

tracks.focus = (number) => {
  const rows = find("#tracks").children;
  if (number < 0 || number >= rows.length) return;
  for (const [place, row] of [...rows].entries()) row.lastElementChild.tabIndex = place === number ? 0 : -1;
  rows[number].lastElementChild.focus();
};

function showHoursIn(second) {
  const quarter = Math.min(3, Math.floor(second / 21600)) * 6;
  state.hours = [quarter, quarter + 6];
  find("#hours").value = state.hours.join("-");
}

new ResizeObserver(() => { if (tracks.shown) { tracks.axis(lanesOfDay() || { lasts: 86400, begins: 0 }); tracks.draw(); render(); } }).observe(find("#lanes"));
narrow.addEventListener("change", render);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (tracks.shown) tracks.draw(); player.drawSeek(); });
