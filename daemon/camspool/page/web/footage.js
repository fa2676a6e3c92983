// The footage: days, lanes of a day, details of an hour, as they are in the files of data.

const FILE = 0, CAMERA = 1, AT = 2, SECONDS = 3, HEIGHT = 4, CODEC = 5, BYTES = 6, POSTER = 7, PIECE = 8, ESTIMATED = 9;
const collator = new Intl.Collator("en", { numeric: true });

const footage = {
  index() {
    return data.get("index", "index", state.now.index).value;
  },

  days: kept((index) => Object.keys(index.days).sort().reverse(), () => [footage.index()]),
  cameras: kept((index) => [...index.cameras].sort(collator.compare), () => [footage.index()]),

  // Of each day how much footage the matching cameras have: 0 to 100.
  heat: kept((index, text) => {
    const wanted = matching(index.cameras, text), most = new Map();
    for (const [day, [, , seconds, , , levels]] of Object.entries(index.days)) {
      let amount = text ? 0 : seconds / 60;
      if (text) for (const camera of wanted) if (levels[camera] > 0) amount += 2 ** (levels[camera] - 1);
      if (amount) most.set(day, amount);
    }
    const top = Math.log2(1 + Math.max(1, ...most.values()));
    return new Map([...most].map(([day, amount]) => [day, Math.round((Math.log2(1 + amount) / top) * 45) + 10]));
  }, () => [footage.index(), state.camera]),
};

// A function of values that is only computed when one of them is another.
function kept(compute, values) {
  let last = null, result;
  return () => {
    const now = values();
    if (!last || now.some((value, number) => value !== last[number])) [last, result] = [now, compute(...now)];
    return result;
  };
}

// The numbers of the cameras that a text means: the one that is called so, else all whose names hold its words.
function matching(cameras, text) {
  const words = folded(text).split(/\s+/).filter(Boolean), all = cameras.map((name, number) => number);
  const exact = all.filter((number) => cameras[number] === text || folded(cameras[number]) === folded(text).trim());
  if (!words.length || exact.length) return words.length ? exact : all;
  return all.filter((number) => words.every((word) => folded(cameras[number]).includes(word)));
}

const currentDay = () => state.day;

function lanesEntry(day) {
  const figures = footage.index().days[day];
  return figures ? data.get("lanes", "lanes/" + day, figures[0]) : null;
}

// The lanes of the day that is looked at; null while they are not there.
function lanesOfDay() {
  const index = state.now && footage.index(), entry = index && state.day && lanesEntry(state.day);
  return entry && entry.value ? unpacked(entry.value) : null;
}

const unpackedLanes = new WeakMap();
function unpacked(value) {
  if (!unpackedLanes.has(value)) {
    const lanes = value.cameras.map((camera, number) => {
      const written = value.clips[number], clips = [];
      for (let place = 0, second = 0; place < written.length; place += 2) {
        second += written[place];
        clips.push({ camera, second, length: written[place + 1] });
      }
      return { camera, clips, longest: clips.reduce((most, clip) => Math.max(most, clip.length), 0) };
    });
    lanes.sort((one, other) => collator.compare(one.camera, other.camera));
    unpackedLanes.set(value, { day: value.day, begins: value.begins, lasts: value.lasts, hours: value.hours, lanes });
  }
  return unpackedLanes.get(value);
}

// The lanes of the matching cameras, and all their clips in the order of time.
const chosen = kept((lanes, text) => {
  const names = lanes.lanes.map((lane) => lane.camera);
  const some = matching(names, text).map((number) => lanes.lanes[number]);
  const clips = some.flatMap((lane) => lane.clips).sort((one, other) => one.second - other.second);
  return { lanes: some, clips, others: lanes.lanes.length - some.length };
}, () => [lanesOfDay(), state.camera]);

// The first place whose clip begins after a moment.
function after(clips, second) {
  let low = 0, high = clips.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (clips[middle].second <= second) low = middle + 1; else high = middle;
  }
  return low;
}

// The clip of a lane that covers a moment; the one that begins last where there are several.
function clipAt(lane, second) {
  for (let place = after(lane.clips, second) - 1; place >= 0; place -= 1) {
    const clip = lane.clips[place];
    if (clip.second + clip.length > second) return clip;
    if (clip.second + lane.longest < second) break;
  }
  return null;
}

// The details of the clips of an hour: {rows, failed}; rows are null while they are not all there.
function detailsOf(lanes, hour) {
  const known = lanes.hours[hour];
  if (!known) return { rows: [], failed: false };
  const entries = known[0].map((version, part) => data.get("hour", "days/" + lanes.day + "-" + hour + (part ? "." + (part + 1) : ""), version));
  const failed = entries.some((entry) => entry.failed);
  if (entries.some((entry) => !entry.value)) return { rows: null, failed };
  const values = entries.map((entry) => entry.value), last = joined.get(values[0]);
  if (last && last.values.length === values.length && last.values.every((value, part) => value === values[part])) return last;
  const rows = values.flatMap((value) => value.requests.flatMap(([, clips]) => clips)), found = new Map();
  for (const row of rows) found.set(row[CAMERA] + "\n" + Math.max(0, row[AT] - lanes.begins), row);
  const made = { values, rows, failed, found };
  joined.set(values[0], made);
  return made;
}
const joined = new WeakMap();
const hourOf = (clip) => String(Math.floor(clip.second / 3600)).padStart(2, "0");

// The row of a clip: null while it is not there, undefined when its details know nothing of it.
function rowOf(lanes, clip) {
  const details = detailsOf(lanes, hourOf(clip));
  return details.rows && details.found ? details.found.get(clip.camera + "\n" + clip.second) : details.rows ? undefined : null;
}
const rowFailed = (lanes, clip) => detailsOf(lanes, hourOf(clip)).failed;
