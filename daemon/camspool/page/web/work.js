// How the daemon is, what it works on and what went wrong: one line, and more for those who open it.

const FAR_OFF_MS = 600000, GRACE_MS = 45000, RECENT_MS = 7 * 86400000;
let heard = 0; // when the last news came, by this machine's own clock

function showHealth() {
  const { now } = state, { service } = now, age = Date.now() - Date.parse(now.at);
  const unheard = performance.now() - heard;
  // The clocks of the two machines may differ: only a great difference counts by itself.
  const patience = (now.next_s || 15) * 1000 + GRACE_MS;
  const silent = service.state !== "stopped" && (unheard > patience || age > FAR_OFF_MS + patience);
  const words = { ok: "All is well", degraded: "Something is wrong", stopping: "Stopping", stopped: "Stopped" };
  const health = find("#health");
  health.dataset.is = silent ? "silent" : service.state;
  say(health, silent
    ? "camspool has not written for " + roughly(Math.max(age, unheard) / 1000) + ": is it running?"
    : (words[service.state] || service.state) + (service.state === "stopped" ? " since " + moment(now.at) : ""));
  cards(find("#problems"), service.problems, (problem) => make("p", "problem", problem.message + " (since " + moment(problem.since) + ")"));
  say(find("#foot"), "camspool " + service.version + " · " + size(service.free_bytes) + " free · times in " + now.zone.replace("Etc/", "")
    + (now.all_seen ? "" : " · still looking through the mirror"));
}

function showTotals(index) {
  const days = Object.values(index.days), sum = (place) => days.reduce((total, day) => total + day[place], 0);
  say(find("#totals"), days.length ? count(sum(1), "clip") + " · " + roughly(sum(2)) + " of footage · " + size(sum(3)) + " · " + count(days.length, "day") : "");
}

function showTrouble() {
  const failures = data.failures(), place = find("#trouble");
  const home = find("#footage").hidden ? find("#problems") : place;
  cards(place, failures.length ? [failures] : [], () => {
    const box = make("p", "problem", "Cannot be read: " + failures.slice(0, 3).join(", ") + (failures.length > 3 ? " and " + (failures.length - 3) + " more" : "") + ". It is tried again by itself. ");
    const button = make("button", "plain", "Try again now");
    button.type = "button";
    button.addEventListener("click", () => data.retry());
    box.append(button);
    return box;
  });
  if (home !== place && failures.length) home.append(...place.children);
}

function showWork() {
  const { now } = state, work = find("#work"), waiting = now.count;
  const failures = data.get("failures", "failures", now.failures).value || [];
  const recent = failures.filter((row) => Date.parse(row.at) > Date.parse(now.at) - RECENT_MS).length;
  const order = ["downloading", "verifying", "preparing", "listing", "queued", "scheduled"];
  const words = order.filter((name) => now.counts[name]).map((name) => now.counts[name].toLocaleString("en") + " " + name);
  if (recent) words.push(recent + (recent >= 100 ? " or more" : "") + " failed this week");
  work.hidden = !waiting && !failures.length;
  say(find("#work > summary span"), words.join(" · ") || "Nothing outstanding · " + count(failures.length, "earlier failure"));
  cards(find("#active"), now.active, outstandingCard);
  const others = find("#outstanding");
  others.hidden = waiting <= now.active.length;
  say(others.querySelector("span"), "All that is outstanding: " + count(waiting, "request") + (waiting > 100 ? ", the first 100" : ""));
  if (others.open && work.open) cards(others.querySelector(".cards"), data.get("outstanding", "outstanding", now.outstanding).value || [], outstandingCard);
  const failed = find("#failures");
  failed.hidden = !failures.length;
  say(failed.querySelector("span"), "What went wrong: " + (failures.length >= 100 ? "the last 100" : count(failures.length, "request")));
  if (failed.open && work.open) cards(failed.querySelector(".cards"), failures, failureCard);
}

// Cards that say the same stay as they are: text in them may be selected.
const written = new WeakMap();
function cards(place, rows, card) {
  const texts = rows.map((row) => JSON.stringify(row)), before = written.get(place) || [];
  written.set(place, texts);
  texts.forEach((text, number) => {
    if (text === before[number] && place.children[number]) return;
    const made = card(rows[number]);
    if (place.children[number]) place.children[number].replaceWith(made); else place.append(made);
  });
  while (place.children.length > texts.length) place.lastElementChild.remove();
}

function cardOf(row, tag, kind) {
  const card = make("article", "card" + (kind ? " " + kind : "")), top = make("p", "top"), name = make("span", "name", row.request);
  name.dir = "auto";
  top.append(name, make("span", "tag", tag));
  card.append(top);
  return card;
}

function outstandingCard(row) {
  const scheduled = row.state === "scheduled", percent = Math.round(row.percent);
  const card = cardOf(row, row.state + (scheduled ? "" : " · " + percent + " %"));
  if (!scheduled) {
    const bar = make("progress");
    bar.max = 100;
    bar.value = row.percent;
    bar.setAttribute("aria-label", "Progress of " + isolated(row.request));
    card.append(bar);
  }
  const facts = [
    row.clips_total > 1 && row.clips_done + " of " + row.clips_total + " clips",
    row.bytes_per_s && size(row.bytes_per_s) + "/s",
    row.eta_s !== null && "about " + roughly(row.eta_s) + " left",
  ].filter(Boolean).join(" · ");
  if (row.from) card.append(make("p", "soft", camerasOf(row) + " · " + span(row.from, row.to)));
  if (facts) card.append(make("p", "soft", facts));
  if (row.waiting) card.append(make("p", "soft", "Waiting: " + row.waiting.message + (row.waiting.until ? " Until " + moment(row.waiting.until) + "." : "")));
  return card;
}

function failureCard(row) {
  const card = cardOf(row, row.state, row.state === "partial" ? "partial" : "failed");
  card.append(make("p", "", row.message), make("p", "soft", row.hint));
  card.append(make("p", "soft", (row.cameras.length ? camerasOf(row) + " · " : "") + moment(row.at)));
  return card;
}

for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", render);

// Once in a while, look whether anything is new; seldom while nobody looks.
const POLL_MS = 5000, UNSEEN_MS = 60000;
let polling = 0;
async function poll() {
  clearTimeout(polling);
  try {
    const value = await load("now", "now", Date.now());
    if (!state.now || state.now.at !== value.at) heard = performance.now();
    state.now = value;
    render();
  } catch {
    if (state.now) render(); // it may only be about to be replaced; silence shows after a while
    else {
      find("#health").dataset.is = "silent";
      say(find("#health"), "The data of this page cannot be read (" + DATA + "now.js). It is tried again by itself.");
    }
  }
  clearTimeout(polling);
  polling = setTimeout(poll, document.hidden ? UNSEEN_MS : POLL_MS);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
