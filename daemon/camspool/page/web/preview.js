// A look into the footage under the pointer: one muted video, which seeks when the pointer rests.

const REST_MS = 150;

const preview = {
  box: find("#preview"), video: find("#preview video"), timer: 0, wanted: null, seeking: false,

  over(track, event) {
    const lanes = lanesOfDay();
    if (!lanes) return;
    const { clip, second } = tracks.near(track, event.clientX);
    say(this.box.querySelector("p"), clockAt(lanes, second) + (clip ? "" : ", no footage"));
    this.box.hidden = false;
    const box = track.getBoundingClientRect(), width = 240;
    this.box.style.left = Math.max(4, Math.min(innerWidth - width - 4, event.clientX - width / 2)) + "px";
    const tall = this.box.offsetHeight;
    this.box.style.top = (box.top > tall + 8 ? box.top - tall - 6 : box.bottom + 6) + "px";
    clearTimeout(this.timer);
    if (!clip) { this.video.classList.add("blank"); return; }
    this.timer = setTimeout(() => this.look(lanes, clip, second - clip.second), REST_MS);
  },

  look(lanes, clip, offset) {
    const row = rowOf(lanes, clip);
    if (!row || !plays(row[CODEC])) return;
    this.wanted = { source: address(row[FILE]), offset };
    if (!this.seeking) this.seek();
  },

  seek() {
    const { source, offset } = this.wanted;
    this.wanted = null;
    this.seeking = true;
    if (this.video.getAttribute("src") !== source) { this.video.classList.add("blank"); this.video.src = source; }
    this.video.currentTime = Math.max(0.001, offset);
  },

  done(seen) {
    this.seeking = false;
    this.video.classList.toggle("blank", !seen);
    if (this.wanted) this.seek();
  },

  hide() {
    clearTimeout(this.timer);
    this.box.hidden = true;
  },
};

preview.video.addEventListener("seeked", () => preview.done(true));
preview.video.addEventListener("error", () => { if (preview.video.getAttribute("src")) preview.done(false); });
find("#tracks").addEventListener("pointermove", (event) => {
  const track = event.target.closest(".track");
  if (track && event.pointerType === "mouse") preview.over(track, event); else preview.hide();
});
find("#tracks").addEventListener("pointerleave", () => preview.hide());
find("#lanes").addEventListener("scroll", () => preview.hide());
