// The rows of chapter 13 on Node's own http, in one thread, until the end of its input: each line asks for its port.
"use strict";
const http = require("node:http");

let jobs = 0;

function answer(response, status, value) {
  const body = JSON.stringify(value) + "\n";
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(body);
}

function run(body, response) {
  let asked;
  try {
    asked = JSON.parse(body);
  } catch {
    return answer(response, 400, { error: "the body is no JSON" });
  }
  if (asked.kind !== "empty") return answer(response, 400, { error: "there is no such kind of jobs" });
  const now = Date.now();
  answer(response, 200, { id: ++jobs, kind: asked.kind, args: {}, state: "done", result: null, error: null, worker: null,
    deadline_ms: null, submitted_ms: now, started_ms: now, finished_ms: now });
}

const server = http.createServer((request, response) => {
  if (request.method === "GET" && request.url === "/healthz") return answer(response, 200, { status: "ok" });
  if (request.method !== "POST" || request.url !== "/run") return answer(response, 404, { error: "not found" });
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => run(Buffer.concat(parts).toString(), response));
});
server.listen(0, "127.0.0.1", () => console.log("ready"));
process.stdin.on("data", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit());
