// The files of data. A page that was opened from a folder may not fetch, but it may run scripts that lie beside
// it: each file is one call. Whether a file was whole shows only in that its call came.

const DATA = "_page/", RETRY_MS = [1000, 3000, 10000, 30000], MOST_KEPT = 200;
const camspool = {};
for (const kind of ["now", "index", "failures", "outstanding", "lanes", "hour"]) {
  camspool[kind] = (value) => { document.currentScript.delivered = { kind, value }; };
}

function load(kind, path, version) {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    // Opened from a folder, a page gets no file from a cache; a web server's is got round by the version.
    const query = location.protocol === "file:" ? "" : "?" + encodeURIComponent(version);
    script.src = DATA + path + ".js" + query;
    script.onload = () => {
      script.remove();
      const { delivered } = script; // nothing when it is not whole: that too is loaded
      if (delivered && delivered.kind === kind) done(delivered.value); else failed(new Error(path));
    };
    script.onerror = () => { script.remove(); failed(new Error(path)); };
    document.head.append(script);
  });
}

// What was loaded, by path. An entry's value is that of the last file that could be read, and undefined before.
const data = {
  entries: new Map(),

  get(kind, path, version) {
    let entry = this.entries.get(path);
    if (!entry) {
      entry = { kind, path, value: undefined, version: undefined, wanted: undefined, tries: 0, failed: false };
      this.entries.set(path, entry);
      this.forget();
    }
    this.entries.delete(path); // to the end: what was asked for last is kept longest
    this.entries.set(path, entry);
    if (entry.wanted !== version) {
      entry.wanted = version;
      entry.tries = 0;
      this.fetch(entry);
    }
    return entry;
  },

  async fetch(entry) {
    const version = entry.wanted;
    try {
      const value = await load(entry.kind, entry.path, version);
      if (entry.wanted !== version) return;
      Object.assign(entry, { value, version, failed: false });
    } catch {
      if (entry.wanted !== version) return;
      const pause = RETRY_MS[Math.min(entry.tries, RETRY_MS.length - 1)];
      entry.tries += 1;
      entry.failed = entry.tries > 1; // a file that is just being replaced is there at once
      setTimeout(() => { if (entry.wanted === version && entry.version !== version && this.entries.has(entry.path)) this.fetch(entry); }, pause);
    }
    render();
  },

  retry() {
    for (const entry of this.entries.values()) if (entry.failed) this.fetch(entry);
  },

  failures() {
    return [...this.entries.values()].filter((entry) => entry.failed).map((entry) => DATA + entry.path + ".js");
  },

  forget() {
    for (const path of this.entries.keys()) {
      if (this.entries.size <= MOST_KEPT) return;
      if (path.startsWith("days/") || path.startsWith("lanes/")) this.entries.delete(path);
    }
  },

  leave(prefix) { // nobody waits for these any more: their failures trouble nobody
    for (const [path, entry] of this.entries) if (path.startsWith(prefix) && entry.failed) this.entries.delete(path);
  },
};
