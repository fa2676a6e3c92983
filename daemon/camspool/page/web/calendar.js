// The months, a day darker the more footage it has; and the day that was picked.

function pick(day, focus) {
  data.leave("lanes/");
  data.leave("days/");
  Object.assign(state, { day, month: day.slice(0, 7), clock: state.second !== null ? parseClock(find("#time").value) : state.clock, second: null });
  wall.reset();
  render();
  if (focus) find("#day-title").focus({ preventScroll: true });
}

const weekday = (day) => (noon(day).getUTCDay() + 6) % 7;
const addDays = (day, days) => new Date(noon(day).getTime() + days * 86400000).toISOString().slice(0, 10);

let calendarShown = "";
function showCalendar(index) {
  const heat = footage.heat(), days = footage.days(), month = state.month || state.day.slice(0, 7);
  state.month = month;
  const months = [...new Set([...days.map((day) => day.slice(0, 7)), month])].sort().reverse();
  showMonths(months, month, days);
  find("#calendar-note").textContent = state.camera && !heat.size ? "No camera matches." : "";
  const text = JSON.stringify([month, state.day, state.camera, [...heat].filter(([day]) => day.startsWith(month)), days.filter((day) => day.startsWith(month)).map((day) => index.days[day][1])]);
  if (text === calendarShown) return;
  calendarShown = text;
  const table = find("#calendar"), held = table.contains(document.activeElement) && document.activeElement.dataset.day;
  if (!table.tHead.rows.length) {
    const row = table.tHead.insertRow();
    for (const [short, long] of [["Mo", "Monday"], ["Tu", "Tuesday"], ["We", "Wednesday"], ["Th", "Thursday"], ["Fr", "Friday"], ["Sa", "Saturday"], ["Su", "Sunday"]]) {
      const cell = make("th", "", short);
      cell.scope = "col";
      cell.abbr = long;
      row.append(cell);
    }
  }
  const body = make("tbody"), first = month + "-01";
  let row = body.insertRow();
  for (let blank = 0; blank < weekday(first); blank += 1) row.insertCell();
  for (let day = first; day.startsWith(month); day = addDays(day, 1)) {
    if (row.cells.length === 7) row = body.insertRow();
    dayCell(row.insertCell(), day, index.days[day], heat.get(day));
  }
  table.tBodies[0].replaceWith(body);
  const wanted = body.querySelector("[aria-current]") || body.querySelector("button");
  if (wanted) wanted.tabIndex = 0;
  if (held) (body.querySelector('[data-day="' + held + '"]') || wanted)?.focus({ preventScroll: true });
}

function dayCell(cell, day, figures, heat) {
  const number = String(Number(day.slice(8)));
  if (!figures) {
    cell.textContent = number;
    return;
  }
  const button = make("button", "", number);
  button.type = "button";
  button.tabIndex = -1;
  button.dataset.day = day;
  button.style.setProperty("--heat", heat || 0);
  button.setAttribute("aria-label", dayName(day) + ", " + count(figures[1], "clip") + (state.camera && !heat ? ", none of these cameras" : ""));
  if (day === state.day) button.setAttribute("aria-current", "date");
  button.addEventListener("click", () => pick(day));
  cell.append(button);
}

let monthsShown = "";
function showMonths(months, month, days) {
  const text = JSON.stringify([months, month, days.length]), list = find("#month");
  if (text === monthsShown) return;
  monthsShown = text;
  list.replaceChildren(...months.map((name) => {
    const option = make("option", "", monthName(name));
    option.value = name;
    option.selected = name === month;
    return option;
  }));
  find("#month-before").disabled = month === months.at(-1);
  find("#month-after").disabled = month === months[0];
}

function turnMonth(step) {
  const list = find("#month"), next = list.options[list.selectedIndex + step];
  if (next) { state.month = next.value; render(); }
}

// The nearest day with footage on that side.
function neighbour(day, later) {
  const days = footage.days();
  return later ? days.filter((other) => other > day).at(-1) : days.find((other) => other < day);
}

find("#month").addEventListener("change", (event) => { state.month = event.target.value; render(); });
find("#month-before").addEventListener("click", () => turnMonth(1));
find("#month-after").addEventListener("click", () => turnMonth(-1));
find("#day-before").addEventListener("click", () => { const day = neighbour(state.day, false); if (day) pick(day); });
find("#day-after").addEventListener("click", () => { const day = neighbour(state.day, true); if (day) pick(day); });
find("#calendar").addEventListener("keydown", (event) => {
  const { day } = event.target.dataset, steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
  if (event.key === "PageUp" || event.key === "PageDown") { event.preventDefault(); turnMonth(event.key === "PageUp" ? 1 : -1); }
  if (!day || !steps[event.key]) return;
  event.preventDefault();
  const aim = addDays(day, steps[event.key]), later = steps[event.key] > 0;
  const found = footage.index().days[aim] ? aim : neighbour(aim, later);
  if (!found) return;
  state.month = found.slice(0, 7);
  draw();
  const buttons = [...document.querySelectorAll("#calendar button")];
  for (const button of buttons) button.tabIndex = button.dataset.day === found ? 0 : -1;
  buttons.find((button) => button.dataset.day === found)?.focus();
});

function showDay(index, lanes) {
  const figures = index.days[state.day], entry = figures && lanesEntry(state.day);
  say(find("#day-title"), dayName(state.day));
  say(find("#day-figures"), !figures ? "No footage of this day." : (!lanes ? (entry.failed ? "cannot be read" : "Loading…") : count(figures[1], "clip") + " · " + count(lanes.lanes.length, "camera") + " · " + size(figures[3])));
  find("#day-before").disabled = !neighbour(state.day, false);
  find("#day-after").disabled = !neighbour(state.day, true);
  showCameras();
}

let camerasShown = null;
function showCameras() {
  const names = footage.cameras();
  if (camerasShown === names) return;
  camerasShown = names;
  find("#cameras").replaceChildren(...names.map((name) => { const option = make("option"); option.value = name; return option; }));
}

// The filters

find("#filters").addEventListener("submit", (event) => event.preventDefault());
find("#camera").addEventListener("input", (event) => { state.camera = event.target.value; wall.reset(); render(); });
find("#one").addEventListener("change", (event) => { state.camera = find("#camera").value = event.target.value; wall.reset(); render(); });
find("#order").addEventListener("change", (event) => { state.order = event.target.value; wall.reset(); render(); });
find("#hours").addEventListener("change", (event) => { state.hours = event.target.value.split("-").map(Number); render(); });
find("#time").addEventListener("input", (event) => {
  const { value } = event.target, wanted = parseClock(value);
  if (value && wanted === null) return; // it is still being typed
  event.target.removeAttribute("aria-invalid");
  state.second = null;
  state.clock = wanted;
  if (wanted !== null) showHoursAround(wanted);
  wall.reset();
  render();
});
find("#time").addEventListener("change", (event) => {
  if (event.target.value && parseClock(event.target.value) === null) event.target.setAttribute("aria-invalid", "true");
});
function showHoursAround(second) {
  const hour = second / 3600;
  if (hour >= state.hours[0] && hour < state.hours[1]) return;
  const quarter = Math.min(3, Math.floor(hour / 6)) * 6;
  state.hours = [quarter, quarter + 6];
  find("#hours").value = state.hours.join("-");
}
if (narrow.matches) {
  const quarter = Math.floor(new Date().getHours() / 6) * 6;
  state.hours = [quarter, quarter + 6];
  find("#hours").value = state.hours.join("-");
}
