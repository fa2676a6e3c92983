#!/usr/bin/env bash
# What an integrator would write in an afternoon: inotifywait, curl and jq, one process per request.
# script.sh DROP MIRROR ENDPOINT TOKEN
set -u
drop=$1 mirror=$2 endpoint=$3 token=$4

ask() { # a GraphQL document
    curl -s -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
        -d "$(jq -n --arg query "$1" '{query: $query}')" "$endpoint"
}

state() { # name, state
    printf '{"state": "%s"}\n' "$2" >"$mirror/.$1.new" && mv "$mirror/.$1.new" "$mirror/$1.status.json"
}

fetch() { # request file
    local name from camera duration id url
    name=$(basename "$1" .json)
    state "$name" queued
    camera=$(jq .camera "$1") from=$(jq .from "$1") duration=$(jq .duration "$1")
    id=$(ask "{ camera(node_id: $camera) { recordings(from: $from, to: $((from + duration))) { recording_id } } }" |
        jq -r '.data.camera.recordings[0].recording_id')
    ask "mutation { recordingPrepare(recording_id: \"$id\", height: 64) }" >/dev/null
    state "$name" preparing
    while url=$(ask "{ recording(recording_id: \"$id\") { download_url } }" | jq -r .data.recording.download_url); do
        [ "$url" != null ] && break
        sleep 1
    done
    curl -s -o "$mirror/$name.mp4" "$url" && state "$name" done && mv "$1" "$mirror/$name.json"
}

inotifywait -q -m -e moved_to --format %f "$drop" | while read -r file; do
    fetch "$drop/$file" &
done
