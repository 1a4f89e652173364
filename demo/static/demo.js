// Draw or load an image, send it with the chosen noise, and show the answer of every network.

const SIZE = 28; // pixels of a digit
const PEN = 2.2; // digit pixels, width of a stroke
const pad = document.getElementById("pad");
const brush = pad.getContext("2d", { willReadFrequently: true });
const digit = Object.assign(document.createElement("canvas"), { width: SIZE, height: SIZE });
const small = digit.getContext("2d", { willReadFrequently: true });
const byId = (id) => document.getElementById(id);
const SHRINK = 1e6; // bytes; larger files are made smaller before they are sent
const LONGEST = 128; // pixels, as on the server
const state = {
  client: crypto.getRandomValues(new Uint32Array(2)).join("-"),
  version: 0, // counts changes of the drawing
  file: null, // in base64; null: the drawing is sent
  seed: 1,
  inFlight: false,
  waiting: false,
  sequence: 0,
  answers: 0,
};

// ---- the drawing pad

const scale = pad.width / SIZE;
let last = null; // the last point of the pointer's stroke; null: no stroke
const cursor = { x: SIZE / 2, y: SIZE / 2, down: false }; // of the keyboard's pen

function clear() {
  brush.fillStyle = "#000";
  brush.fillRect(0, 0, pad.width, pad.height);
  state.file = null;
  state.version += 1; // an image that is still loading must not replace this
}

function stroke(from, to) {
  if (state.file) clear();
  state.version += 1;
  brush.strokeStyle = brush.fillStyle = "#fff";
  brush.lineWidth = PEN * scale;
  brush.lineCap = brush.lineJoin = "round";
  brush.beginPath();
  if (from.x === to.x && from.y === to.y) {
    // a tap: browsers differ in whether they draw the caps of a line without length
    brush.arc(to.x * scale, to.y * scale, brush.lineWidth / 2, 0, 2 * Math.PI);
    brush.fill();
  } else {
    brush.moveTo(from.x * scale, from.y * scale);
    brush.lineTo(to.x * scale, to.y * scale);
    brush.stroke();
  }
  update();
}

function place(event) {
  const box = pad.getBoundingClientRect();
  const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  return { x: x * SIZE, y: y * SIZE };
}

pad.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button) return;
  pad.setPointerCapture(event.pointerId);
  last = place(event);
  stroke(last, last);
});
pad.addEventListener("pointermove", (event) => {
  if (!last || !event.isPrimary) return;
  const now = place(event);
  stroke(last, now);
  last = now;
});
for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { last = null; });

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
pad.addEventListener("keydown", (event) => {
  if (event.key in MOVES) {
    const [x, y] = MOVES[event.key];
    const inside = (value) => Math.min(SIZE, Math.max(0, value));
    const to = { x: inside(cursor.x + x), y: inside(cursor.y + y) };
    if (cursor.down) stroke(cursor, to);
    Object.assign(cursor, to);
    showPen();
    const where = `column ${Math.round(cursor.x)}, row ${Math.round(cursor.y)} of ${SIZE}`;
    tell(`Pen ${cursor.down ? "down" : "up"} at ${where}.`);
  } else if (event.key === " ") {
    cursor.down = !cursor.down;
    if (cursor.down) stroke(cursor, cursor);
    showPen();
    tell(`Pen ${cursor.down ? "down" : "up"}.`);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    clear();
    update();
    tell("Cleared.");
  } else return;
  event.preventDefault();
});

function showPen() {
  const mark = byId("pen");
  mark.style.left = `${(100 * cursor.x) / SIZE}%`;
  mark.style.top = `${(100 * cursor.y) / SIZE}%`;
  mark.dataset.down = cursor.down;
}

function tell(text) { byId("pen-status").textContent = text; }

function drawn() { // rows of pixel values
  small.imageSmoothingQuality = "high";
  small.drawImage(pad, 0, 0, SIZE, SIZE);
  const { data } = small.getImageData(0, 0, SIZE, SIZE);
  const side = Array.from({ length: SIZE }, (_, index) => index);
  return side.map((row) => side.map((column) => data[4 * (row * SIZE + column)] / 255));
}

// ---- images from files and from the test set

function base64(buffer) {
  let text = "";
  const bytes = new Uint8Array(buffer);
  const step = 32768; // a function takes only so many arguments
  for (let start = 0; start < bytes.length; start += step) {
    text += String.fromCharCode(...bytes.subarray(start, start + step));
  }
  return btoa(text);
}

async function take(content, url) {
  clear();
  const version = state.version;
  state.file = content;
  update();
  const image = new Image();
  image.src = url;
  try { // to show it on the pad
    await image.decode();
  } catch {
    return; // a format that the server can read and the browser cannot
  } finally {
    if (url.startsWith("blob:")) URL.revokeObjectURL(url);
  }
  if (version !== state.version) return;
  const factor = Math.min(pad.width / image.width, pad.height / image.height);
  brush.imageSmoothingEnabled = factor < 1;
  const [width, height] = [image.width * factor, image.height * factor];
  brush.drawImage(image, (pad.width - width) / 2, (pad.height - height) / 2, width, height);
}

async function takeFile(file) {
  if (!file) return;
  clear();
  const version = state.version;
  const small = file.size > SHRINK ? await shrunk(file) : file;
  if (!small) return say("The file is too large, and this browser cannot make it smaller.");
  const content = base64(await small.arrayBuffer());
  if (version === state.version) await take(content, URL.createObjectURL(small));
}

async function shrunk(file) { // a PNG; null if the browser cannot read the format
  try {
    const image = await createImageBitmap(file);
    const factor = Math.min(1, LONGEST / Math.max(image.width, image.height));
    const shorter = (length) => Math.max(1, Math.round(length * factor));
    const canvas = new OffscreenCanvas(shorter(image.width), shorter(image.height));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await canvas.convertToBlob();
  } catch {
    return null;
  }
}

byId("file").addEventListener("change", (event) => {
  takeFile(event.target.files[0]);
  event.target.value = ""; // so that the same file can be chosen again
});
for (const type of ["dragenter", "dragover"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
}
document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  takeFile(event.dataTransfer.files[0]);
});

// ---- noise

function noise() {
  const strength = Number(byId("strength").value);
  const amount = Math.min(strength, 0.98);
  return {
    gaussian: { name: "gaussian", sigma: strength, clip: true },
    gaussian_unclipped: { name: "gaussian", sigma: strength, clip: false },
    poisson: { name: "poisson", peak: Math.max(1, 1 / strength ** 2), clip: true },
    speckle: { name: "speckle", sigma: strength, clip: true },
    salt_and_pepper: { name: "salt_and_pepper", amount, salt_vs_pepper: 0.5 },
    impulse: { name: "impulse", amount },
    none: null,
  }[byId("kind").value];
}

byId("strength").addEventListener("input", (event) => {
  byId("strength-value").textContent = Number(event.target.value).toFixed(2);
  update();
});
byId("kind").addEventListener("change", () => {
  byId("strength").disabled = byId("kind").value === "none";
  update();
});
byId("redraw").addEventListener("click", () => { state.seed += 1; update(); });
byId("clear").addEventListener("click", () => { clear(); update(); });

// ---- asking the server: one request at a time, then only the newest of those that waited

async function update() {
  state.waiting = true;
  byId("cards").dataset.pending = "true";
  if (state.inFlight) return;
  state.inFlight = true;
  try {
    while (state.waiting) {
      state.waiting = false;
      await ask();
    }
  } finally {
    state.inFlight = false;
    byId("cards").dataset.pending = "false";
  }
}

async function ask() {
  const { seed, client } = state;
  const image = state.file ?? drawn();
  const body = JSON.stringify({ image, noise: noise(), seed, client, sequence: state.sequence++ });
  const headers = { "Content-Type": "application/json" };
  const started = performance.now();
  let response, answer;
  try {
    response = await fetch("api/denoise", { method: "POST", headers, body });
    answer = await response.json();
  } catch {
    return say("The server does not answer.");
  }
  if (response.status === 503) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    state.waiting = true;
  } else if (response.ok) {
    show(answer, performance.now() - started);
  } else if (response.status !== 409) {
    say(answer.error);
  }
}

// ---- showing

let saying;
function say(text) { // waits: a screen reader cannot read out many answers a second
  clearTimeout(saying);
  saying = setTimeout(() => { byId("status").textContent = text; }, 400);
}

function histogram(shares) {
  const floor = 1e-4;
  const bars = shares.map((share, index) => {
    const height = share > floor ? (1 - Math.log10(share) / Math.log10(floor)) * 30 : 0;
    const [top, tall] = [(30 - height).toFixed(2), height.toFixed(2)];
    return `<rect x="${index}" y="${top}" width="0.9" height="${tall}"/>`;
  });
  const marks = [5.5, 25.5].map((x) => `<line x1="${x}" x2="${x}" y1="0" y2="30"/>`);
  const content = [...bars, ...marks].join("");
  return `<svg viewBox="0 0 31 30" preserveAspectRatio="none" aria-hidden="true">${content}</svg>`;
}

function share(shares, centre) { // of the pixels near a value: in its bin and both beside it
  const index = Math.round((centre + 0.25) / 0.05);
  return `${Math.round(100 * (shares[index - 1] + shares[index] + shares[index + 1]))} %`;
}

function card(title, picture, milliseconds) {
  const figure = document.createElement("figure");
  figure.dataset.name = title;
  const { scores, histogram: shares } = picture;
  const lines = scores ? [`PSNR ${scores.psnr.toFixed(2)} dB`, `MSE ${scores.mse.toFixed(5)}`] : [];
  if (milliseconds !== undefined) lines.push(`${milliseconds.toFixed(1)} ms`);
  const caption = "<figcaption><strong></strong></figcaption>";
  figure.innerHTML = `<img alt="">${histogram(shares)}${caption}`;
  const [black, white] = [share(shares, 0), share(shares, 1)];
  const alt = `${title}: ${black} of the pixels near black, ${white} near white`;
  const src = `data:image/png;base64,${picture.image}`;
  Object.assign(figure.querySelector("img"), { src, alt });
  // a long name may be broken after each underscore
  figure.querySelector("strong").textContent = title.replaceAll("_", "_\u200b");
  for (const textContent of lines) {
    const span = Object.assign(document.createElement("span"), { textContent });
    figure.querySelector("figcaption").append(span);
  }
  return figure;
}

function show(answer, milliseconds) {
  const cards = [card("original", answer.original)];
  if (answer.noisy.scores) cards.push(card("noisy", answer.noisy));
  else cards[0].querySelector("strong").textContent = "as given";
  cards.push(...answer.results.map((result) => card(result.name, result, result.milliseconds)));
  byId("cards").replaceChildren(...cards);
  const took = milliseconds.toFixed(1);
  Object.assign(byId("cards").dataset, { answers: ++state.answers, milliseconds: took });
  const scored = answer.results.filter((result) => result.scores);
  const best = scored.sort((a, b) => b.scores.psnr - a.scores.psnr)[0];
  const size = `${answer.width} × ${answer.height} pixels`;
  const decibels = (picture) => `${picture.scores.psnr.toFixed(2)} dB`;
  if (!best) return say(`${size}.`);
  say(`${size}. Best: ${best.name}, ${decibels(best)}; noisy ${decibels(answer.noisy)}.`);
}

function describe({ name, ...settings }) { // "gaussian noise (sigma 0.5, clipped)"
  const words = (text) => text.replaceAll("_", " ");
  const values = Object.entries(settings).map(([key, value]) => {
    if (key === "clip") return value ? "clipped" : "not clipped";
    return `${words(key)} ${value}`;
  });
  return `${words(name)} noise (${values.join(", ")})`;
}

async function begin() {
  clear();
  const version = state.version;
  const get = async (path) => (await fetch(path)).json();
  const [models, digits] = await Promise.all(["api/models", "api/digits"].map(get));
  const places = {
    published: "the published networks, trained on digits by the article's protocol",
    workspace: "the networks of this workspace",
  };
  byId("source").textContent = models.message ?? `Shown are ${places[models.source]}.`;
  byId("grey").hidden = models.channels === 3;
  byId("colour").hidden = models.channels !== 3;
  const kinds = new Set(models.models.map((model) => describe(model.noise)));
  const names = models.models.map((model) => model.name);
  for (const remedy of ["fixed", "inverse"]) {
    byId(remedy).hidden = !names.some((name) => name.endsWith(`_${remedy}`));
  }
  const trained = `The networks were trained for: ${[...kinds].join("; ")}.`;
  if (kinds.size) byId("trained").textContent = trained;
  digits.digits.forEach((content, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `Digit ${index + 1} of the test set`);
    const url = `data:image/png;base64,${content}`;
    button.append(Object.assign(new Image(), { src: url, alt: "" }));
    button.addEventListener("click", () => take(content, url));
    byId("digits").append(button);
    if (index === 0 && version === state.version && !last) take(content, url);
  });
  if (!digits.digits.length) update();
}

begin().catch(() => {
  byId("source").textContent = "The server does not answer; load the page again.";
});
