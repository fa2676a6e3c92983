// What is looked at: the day, the cameras, the moment; and the link that says so.

const state = {
  now: null, // the last now.js
  day: "", // "": the latest
  camera: "", // part of a name
  second: null, // since the day began
  clock: null, // the same by the clock, until the day's lanes are there
  order: "newest",
  hours: [0, 24],
  month: "",
  shown: 0, // how many clips have been asked for beyond the first
};

const narrow = matchMedia("(max-width: 40rem)");

function link(play) {
  const parts = [["d", currentDay()], ["c", play ? play.camera : state.camera]];
  if (play) parts.push(["t", time(play.at * 1000)]);
  else if (state.second !== null && lanesOfDay()) parts.push(["t", minutes((lanesOfDay().begins + state.second) * 1000)]);
  const written = parts.filter(([, value]) => value).map(([key, value]) => key + "=" + encodeURIComponent(value).replace(/%20/g, "+").replace(/%3A/g, ":"));
  return "#" + written.join("&");
}

function showLink() {
  if (!state.now || player.open || !state.day) return;
  const wanted = link();
  if (location.hash !== wanted) history.replaceState(null, "", wanted);
}

// A link with seconds is to a moment that is to be played; one without, to what is to be looked at.
function follow() {
  const found = new URLSearchParams(location.hash.slice(1));
  const day = found.get("d") || "", camera = found.get("c") || "", clockText = found.get("t") || "";
  const wanted = parseClock(clockText);
  state.day = /^\d{4}-\d\d-\d\d$/.test(day) ? day : "";
  state.month = state.day.slice(0, 7);
  state.second = null;
  state.clock = wanted;
  state.camera = camera;
  find("#camera").value = camera;
  find("#time").value = wanted === null ? "" : clockText;
  wall.reset();
  if (wanted !== null && camera && /\d\d:\d\d:\d\d/.test(clockText)) player.await(camera, wanted); else player.hide();
  render();
}

// Seconds since the day began, of a time by the clock: not the same on days on which clocks are changed.
function secondOf(lanes, clockSeconds) {
  const [hour, minute, second] = time((lanes.begins + clockSeconds) * 1000).split(":").map(Number);
  let missing = clockSeconds - (hour * 3600 + minute * 60 + second);
  if (missing > 43200) missing -= 86400;
  if (missing < -43200) missing += 86400;
  return Math.max(0, Math.min(lanes.lasts - 1, clockSeconds + missing));
}

// Draw with the next frame; a browser that shows nothing right now makes none, so after a while without.
const LATEST_MS = 200;
let drawing = false;
function render() {
  if (drawing) return;
  drawing = true;
  const now = () => { if (drawing) { drawing = false; draw(); } };
  requestAnimationFrame(now);
  setTimeout(now, LATEST_MS);
}

function draw() {
  if (!state.now) return;
  const index = footage.index();
  showHealth();
  showWork();
  showTrouble();
  if (!index) return;
  showTotals(index);
  const days = Object.keys(index.days);
  find("#empty").hidden = days.length > 0 || !state.now.all_seen;
  find("#footage").hidden = days.length === 0;
  if (!days.length) return;
  state.day = state.day || footage.days()[0];
  const lanes = lanesOfDay();
  if (lanes && state.clock !== null) {
    state.second = secondOf(lanes, state.clock);
    state.clock = null;
  }
  showCalendar(index);
  showDay(index, lanes);
  tracks.show(lanes);
  wall.show(lanes);
  player.resume(lanes);
  showLatest(index);
  showLink();
}
