R"page("use strict";
// The live page: shows what the server tells by events. What users have sent is only ever text: nothing writes HTML.

const $ = (id) => document.getElementById(id);
const signs = { queued: "○", running: "▸", done: "✓", failed: "✗", cancelled: "⊘", expired: "◷" };
const shown = 100; // rows of the table, at most
const seconds_shown = 30; // of the timeline
const open = (job) => job.state === "queued" || job.state === "running";

// ---- What is known

let jobs = new Map(); // by ID, in the order of their IDs
let bars = new Map(); // by ID: jobs that a worker has, or had in the last seconds
let workers = new Map(); // by index
let restarts = []; // {worker, ms}
let latencies = []; // {ms, p99}, one a second
let numbers = {};
let ahead = 0; // the server's clock, compared with this one
const now = () => Date.now() + ahead;

function take_clock(ms) {
  if (ms) ahead = ms - Date.now();
}

function take_job(job) {
  jobs.set(job.id, job);
  for (const id of jobs.keys()) {
    if (jobs.size <= 4 * shown) break;
    jobs.delete(id);
  }
  if (job.worker !== null && job.started_ms !== null) bars.set(job.id, job);
  for (const [id, bar] of bars)
    if (bar.finished_ms !== null && bar.finished_ms < now() - 1000 * (seconds_shown + 5)) bars.delete(id);
}

function take_worker(worker) {
  const before = workers.get(worker.index);
  if (before && worker.restarts > before.restarts) restarts.push({ worker: worker.index, ms: now() });
  restarts = restarts.filter((restart) => restart.ms > now() - 1000 * seconds_shown);
  workers.set(worker.index, worker);
}

const events = {
  snapshot(data) {
    take_clock(data.now_ms);
    jobs = new Map();
    bars = new Map();
    workers = new Map();
    data.workers.forEach(take_worker);
    [...data.jobs].reverse().forEach(take_job);
    Object.assign(numbers, data);
  },
  job: take_job,
  worker: take_worker,
  tick(data) {
    take_clock(data.now_ms);
    Object.assign(numbers, data);
    if (data.p99_ms !== null) latencies.push({ ms: now(), p99: data.p99_ms });
    latencies = latencies.filter((point) => point.ms > now() - 120_000);
  },
};

// ---- The connection. It is opened again when it has broken, and when it has been silent for too long.

const silence_ms = 5000; // a server that is there ticks every second
let source = null;
let watchdog = 0;
let retry = 0;
let waits_ms = 500;

function connection(state, text) {
  $("connection").dataset.state = state;
  if ($("connection-text").textContent !== text) $("connection-text").textContent = text;
  $("reconnect").hidden = state !== "lost";
}

function connect() {
  clearTimeout(retry);
  clearTimeout(watchdog);
  if (source) source.close();
  source = new EventSource("/events");
  watchdog = setTimeout(lost, silence_ms);
  source.onerror = lost;
  for (const [name, take] of Object.entries(events))
    source.addEventListener(name, (event) => {
      take(JSON.parse(event.data));
      connection("live", "Live");
      waits_ms = 500;
      clearTimeout(watchdog);
      watchdog = setTimeout(lost, silence_ms);
      changed = true;
    });
}

function lost() {
  source.close();
  clearTimeout(watchdog);
  clearTimeout(retry);
  waits_ms = Math.min(waits_ms * 2, 10_000);
  connection("lost", "Connection lost. What you see is old; trying again.");
  retry = setTimeout(connect, waits_ms * (0.75 + Math.random() / 2)); // not all pages at the same time
}
$("reconnect").addEventListener("click", connect);

// ---- The form

function tell(text, wrong = false) {
  $("message").textContent = text;
  $("message").classList.toggle("wrong", wrong);
}

async function ask(path, options) {
  const answer = await fetch(path, options);
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok && !data.id) throw new Error(data.error || `The server answers ${answer.status}.`);
  return data;
}

function show_argument() {
  const { argument, value } = $("kind").selectedOptions[0].dataset;
  $("argument-label").hidden = !argument;
  $("argument").required = argument === "number" || argument === "ms";
  $("argument").type = argument === "what" ? "text" : "number";
  $("argument-name").textContent = argument || "";
  $("argument").value = value || "";
}
$("kind").addEventListener("change", show_argument);
show_argument();

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = $("kind").selectedOptions[0].dataset.argument;
  const value = $("argument").value;
  const body = { kind: $("kind").value, args: name ? { [name]: name === "what" ? value : Number(value) } : {} };
  if ($("deadline").value) body.deadline_ms = Number($("deadline").value);
  const ids = [];
  try {
    for (let left = Number($("times").value); left > 0; --left) {
      const headers = { "Content-Type": "application/json" };
      ids.push((await ask("/jobs", { method: "POST", headers, body: JSON.stringify(body) })).id);
    }
    tell(ids.length === 1 ? `Job ${ids[0]} is accepted.` : `${ids.length} jobs are accepted.`);
  } catch (error) {
    tell((ids.length ? `${ids.length} accepted, then: ` : "") + error.message, true);
  }
});

async function cancel(id) {
  try {
    const job = await ask(`/jobs/${id}`, { method: "DELETE" });
    tell(job.state === "cancelled" ? `Job ${id} is cancelled.` : `Job ${id} is ${job.state} already.`);
  } catch (error) {
    tell(error.message, true);
  }
}

// ---- The table. Rows stay and change in place, so that who is in one by keyboard stays there.

const rows = new Map(); // by ID

function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms / 1000) % 60)} s`;
}

/// What users have sent, made fit to be read: not too long, and with nothing that cannot be seen or that turns the order of
/// letters round.
function short(given) {
  const text = given.replace(/[\p{Cc}\p{Cf}]/gu, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);
  return text.length > 200 ? text.slice(0, 200) + " …" : text;
}

function new_row(job) {
  const row = document.createElement("tr");
  const cells = {};
  for (const name of ["job", "kind", "state", "worker", "waited", "ran", "result", "cancel"]) {
    cells[name] = row.insertCell();
    cells[name].className = name;
  }
  const labels = { worker: "on", waited: "waited", ran: "ran", result: "→" };
  for (const [name, label] of Object.entries(labels)) cells[name].dataset.label = label;
  const link = document.createElement("a");
  link.href = `/jobs/${job.id}`;
  link.textContent = `#${job.id}`;
  cells.job.append(link);
  const args = document.createElement("code");
  args.dir = "auto";
  args.textContent = Object.keys(job.args || {}).length ? short(JSON.stringify(job.args)) : "";
  const kind = document.createElement("bdi");
  kind.textContent = job.kind;
  cells.kind.append(kind, " ", args);
  const result = document.createElement("bdi");
  cells.result.append(result);
  const state = document.createElement("b");
  cells.state.append(state);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "cancel";
  button.textContent = "Cancel";
  button.setAttribute("aria-label", `Cancel job ${job.id}`);
  button.addEventListener("click", () => cancel(job.id));
  cells.cancel.append(button);
  return { row, cells, link, state, result, button };
}

function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function fill({ cells, link, state, result, button }, job) {
  cells.state.className = `state ${job.state}`;
  set_text(state, `${signs[job.state]} ${job.state}`);
  const worker = workers.get(job.worker);
  set_text(cells.worker, job.worker === null ? "–" : `${worker ? worker.place : "worker"} ${job.worker}`);
  set_text(cells.waited, duration((job.started_ms ?? job.finished_ms ?? now()) - job.submitted_ms));
  set_text(cells.ran, job.started_ms === null ? "–" : duration((job.finished_ms ?? now()) - job.started_ms));
  set_text(result, short(job.error ?? (job.state === "done" ? JSON.stringify(job.result) : "")));
  if (!open(job) && document.activeElement === button) link.focus();
  button.hidden = !open(job);
}

function show_table() {
  const wanted = $("filter").value;
  const group_of = (job) => (open(job) ? "open" : job.state === "done" ? "done" : "bad");
  const fits = (job) => !wanted || group_of(job) === wanted;
  const list = [...jobs.values()].sort((a, b) => b.id - a.id).filter(fits).slice(0, shown);
  const ids = new Set(list.map((job) => job.id));
  for (const [id, { row }] of rows)
    if (!ids.has(id)) {
      row.remove();
      rows.delete(id);
    }
  let next = $("rows").firstChild;
  for (const job of list) {
    if (!rows.has(job.id)) rows.set(job.id, new_row(job));
    const entry = rows.get(job.id);
    fill(entry, job);
    if (entry.row === next) next = next.nextSibling;
    else $("rows").insertBefore(entry.row, next);
  }
  $("nothing").hidden = list.length > 0;
  $("jobs").hidden = list.length === 0;
}
$("filter").addEventListener("change", show_table);
$("curl").textContent = `curl ${location.origin}/jobs -H 'Content-Type: application/json' -d '{"kind":"sleep","args":{"ms":3000}}'`;

function show_numbers() {
  const text = (id, value) => set_text($(id), value === null || value === undefined ? "–" : value.toLocaleString("en"));
  text("waiting", numbers.waiting);
  text("running", numbers.running);
  text("ended", numbers.ended);
  text("capacity", numbers.capacity);
  set_text($("p50"), duration(numbers.p50_ms));
  set_text($("p99"), duration(numbers.p99_ms));
  const count = (place) => [...workers.values()].filter((worker) => worker.place === place).length;
  set_text($("worker-count"), `${count("process")} processes and ${count("thread")} threads`);
  $("queue").max = numbers.capacity || 1;
  $("queue").high = 0.8 * (numbers.capacity || 1);
  $("queue").value = numbers.waiting || 0;
  $("draining").hidden = !numbers.draining;
  const last = latencies.at(-1);
  $("latency").setAttribute("aria-label", last ? `99 of 100 jobs end within ${duration(last.p99)}` : "No latency yet");
}

// ---- The drawings

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/// The canvas's context, in CSS pixels, empty.
function context_of(canvas, height) {
  const width = canvas.clientWidth;
  const scale = devicePixelRatio;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "13px system-ui, 'DejaVu Sans', sans-serif";
  context.textBaseline = "middle";
  return [context, width];
}

/// A job: full if done, hatched if failed, empty if cancelled, striped if expired, and open to the right while it runs.
function draw_bar(context, job, x, y, width, height) {
  context.strokeStyle = context.fillStyle = colour(job.state);
  context.lineWidth = 2;
  context.save();
  context.beginPath();
  context.roundRect(x, y, width, height, 3);
  context.clip();
  context.globalAlpha = job.state === "running" ? 0.3 : 1;
  if (job.state === "done" || job.state === "running") context.fill();
  context.globalAlpha = 1;
  if (job.state === "failed" || job.state === "expired") {
    const slant = job.state === "failed" ? height : 0;
    context.beginPath();
    for (let at = x - height; at < x + width; at += 7) {
      context.moveTo(at, y + height);
      context.lineTo(at + slant, y);
    }
    context.stroke();
  }
  context.restore();
  context.beginPath();
  context.roundRect(x + 1, y + 1, Math.max(width - 2, 1), height - 2, 3);
  context.stroke();
  const text = `${signs[job.state]} ${job.id}`;
  const room = context.measureText(text).width;
  if (room + 10 > width) return;
  if (job.state === "failed" || job.state === "expired") {
    context.fillStyle = colour("card");
    context.fillRect(x + 3, y + 3, room + 4, height - 6);
  }
  context.fillStyle = colour(job.state === "done" ? "card" : "text");
  context.fillText(text, x + 5, y + height / 2 + 1);
}

/// Workers with something to show; where they are many, only those.
function lanes() {
  const busy = new Set([...bars.values()].map((job) => job.worker));
  for (const restart of restarts) busy.add(restart.worker);
  return [...workers.values()].filter(
    (worker) => workers.size <= 8 || worker.place === "process" || busy.has(worker.index));
}

function draw_timeline() {
  const list = lanes();
  const height = 30;
  const [context, width] = context_of($("timeline"), list.length * height + 24);
  const left = 84;
  const end = now();
  const x_of = (ms) => left + (1 - (end - ms) / (1000 * seconds_shown)) * (width - left);
  const bottom = list.length * height;
  context.lineWidth = 1;
  for (let back = 0; back <= seconds_shown; back += width < 600 ? 10 : 5) {
    const x = x_of(end - 1000 * back);
    context.strokeStyle = colour("line");
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, bottom);
    context.stroke();
    context.fillStyle = colour("soft");
    context.textAlign = back === 0 ? "right" : "center";
    context.fillText(back === 0 ? "now" : `−${back} s`, back === seconds_shown ? x + 8 : x, bottom + 13);
  }
  context.textAlign = "left";
  list.forEach((worker, i) => {
    context.fillStyle = colour("soft");
    context.fillText(`${worker.place} ${worker.index}`, 0, i * height + height / 2);
  });
  const row_of = new Map(list.map((worker, i) => [worker.index, i]));
  context.save();
  context.beginPath();
  context.rect(left, 0, width - left, bottom);
  context.clip();
  for (const job of bars.values()) {
    const from = x_of(job.started_ms);
    const to = x_of(job.finished_ms ?? end);
    if (to < left || !row_of.has(job.worker)) continue;
    draw_bar(context, job, from, row_of.get(job.worker) * height + 3, Math.max(to - from, 3), height - 6);
  }
  context.strokeStyle = colour("failed");
  context.setLineDash([3, 3]);
  context.lineWidth = 3;
  for (const restart of restarts) {
    if (!row_of.has(restart.worker)) continue;
    const y = row_of.get(restart.worker) * height;
    context.beginPath();
    context.moveTo(x_of(restart.ms), y);
    context.lineTo(x_of(restart.ms), y + height);
    context.stroke();
  }
  context.setLineDash([]);
  context.restore();
}

function describe_timeline() {
  const running = [...bars.values()].filter((job) => job.state === "running");
  const text = running.map((job) => `worker ${job.worker} runs job ${job.id}`).join(", ");
  $("timeline").setAttribute("aria-label", text || "All workers are idle");
}

function draw_latency() {
  const height = 36;
  const [context, width] = context_of($("latency"), height);
  context.strokeStyle = colour("line");
  context.strokeRect(0.5, 0.5, width - 1, height - 1);
  const most = Math.max(1, ...latencies.map((point) => point.p99));
  context.strokeStyle = colour("accent");
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  for (const point of latencies)
    context.lineTo(width * (1 - (now() - point.ms) / 120_000), height - 3 - (height - 6) * (point.p99 / most));
  context.stroke();
}

// ---- Over and over: drawings at each frame, texts ten times a second

let changed = true;
let showed_at = 0;
let drew_at = 0;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function frame(at) {
  const live = $("connection").dataset.state === "live";
  if (changed || (live && at - drew_at > (calm.matches ? 1000 : 30))) {
    drew_at = at;
    draw_timeline();
  }
  if ((changed || live) && at - showed_at > 100) {
    showed_at = at;
    changed = false;
    show_table();
    show_numbers();
    describe_timeline();
    draw_latency();
  }
  requestAnimationFrame(frame);
}
addEventListener("resize", () => (changed = true));
requestAnimationFrame(frame);
connect();
)page"
