// The beginning.

addEventListener("popstate", follow);
addEventListener("hashchange", () => { if (!player.open) follow(); });
follow();
poll();
