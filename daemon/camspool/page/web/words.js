// Words and figures. The page is in English, so dates are too, whatever the browser speaks.

const find = (selector) => document.querySelector(selector);
const ISOLATED = ["\u2068", "\u2069"]; // so that no name turns the text around it

function make(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

// What has not changed is left alone: a reader may have selected it, a screen reader would say it again.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const formats = new Map();
function format(options, zone) {
  const key = JSON.stringify([options, zone]);
  if (!formats.has(key)) formats.set(key, formatter(options, zone));
  return formats.get(key);
}
function formatter(options, zone) {
  try {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
  } catch { // this browser lacks the zone
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" });
  }
}

const zone = () => (state.now ? state.now.zone : "UTC");
const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const DATE = { day: "numeric", month: "short", year: "numeric" };
const time = (at) => format(TIME, zone()).format(new Date(at));
const minutes = (at) => time(at).slice(0, 5);
const date = (at) => format(DATE, zone()).format(new Date(at));
const moment = (at) => date(at) + ", " + time(at);
const noon = (day) => new Date(day + "T12:00:00Z");
const dayName = (day) => format({ weekday: "long", day: "numeric", month: "long", year: "numeric" }, "UTC").format(noon(day)).replace(",", "");
const shortDay = (day) => format({ weekday: "short", day: "numeric", month: "short" }, "UTC").format(noon(day)).replace(",", "");
const monthName = (month) => format({ month: "long", year: "numeric" }, "UTC").format(noon(month + "-01"));
const isolated = (name) => ISOLATED[0] + name + ISOLATED[1];

function span(from, to) {
  return date(from) === date(to) ? date(from) + ", " + time(from) + " – " + time(to) : moment(from) + " – " + moment(to);
}
function size(bytes) {
  if (bytes === null || bytes === undefined) return "unknown space";
  let unit = 0;
  for (; bytes >= 1000 && unit < 5; unit += 1) bytes /= 1000;
  return bytes.toFixed(unit && bytes < 100 ? 1 : 0) + " " + ["B", "kB", "MB", "GB", "TB", "PB"][unit];
}
function clock(seconds) {
  const two = (number) => String(number).padStart(2, "0"), whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60) % 60, hours = Math.floor(whole / 3600);
  return (hours ? hours + ":" + two(minutes) : String(minutes)) + ":" + two(whole % 60);
}
function roughly(seconds) {
  if (seconds < 90) return Math.round(seconds) + " s";
  if (seconds < 5400) return Math.round(seconds / 60) + " min";
  return Math.round(seconds / 3600).toLocaleString("en") + " h";
}
function spoken(seconds) {
  return seconds < 60 ? count(Math.round(seconds), "second") : count(Math.round(seconds / 60), "minute");
}
const count = (number, what) => number.toLocaleString("en") + " " + what + (number === 1 ? "" : "s");
const camerasOf = (row) => row.cameras.map(isolated).join(", ") + (row.more_cameras ? " and " + count(row.more_cameras, "other") : "");
const address = (path) => path.split("/").map(encodeURIComponent).join("/");

// "15:20", "15:20:14", "1520", "15.20", "3:20 pm": seconds since midnight by the clock; null for anything else.
function parseClock(text) {
  const found = /^\s*(\d{1,2})(?:[:.h ]?(\d{2}))?(?:[:.]?(\d{2}))?\s*([ap]\.?m\.?)?\s*$/i.exec(text);
  if (!found) return null;
  let hour = Number(found[1]);
  if (found[4]) hour = (hour % 12) + (/^p/i.test(found[4]) ? 12 : 0);
  const minute = Number(found[2] || 0), second = Number(found[3] || 0);
  return hour < 24 && minute < 60 && second < 60 ? hour * 3600 + minute * 60 + second : null;
}
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
