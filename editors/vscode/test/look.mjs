// Uses the extension as a person does, in a real VS Code (code-server) and a headless Chromium:
//   node look.mjs PITH EXTENSION.vsix FOLDER-OF-CODE-SERVER FOLDER-OF-THE-BROWSER CODE FOLDER-FOR-PICTURES
// CODE is copied; what is found in it is held to what a person would see. Ends with 1 where something is wrong.
import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [pith, vsix, codeServer, browserFolder, code, pictures] = process.argv.slice(2).map((p) => resolve(p));
const load = createRequire(join(browserFolder, "package.json"));
const { chromium } = load("playwright-core");
const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
const wrong = [];
const check = (ok, what) => {
  console.log(ok ? "ok  " + what : "BAD " + what);
  if (!ok) wrong.push(what);
};

const home = mkdtempSync(join(tmpdir(), "pith-vscode-"));
const workspace = join(home, "workspace"),
  user = join(home, "user"),
  extensions = join(home, "extensions");
cpSync(code, join(workspace, "dashboard"), { recursive: true });
// Settings of the scope machine are read from a file of their own.
function set(more, machine = {}) {
  writeFileSync(join(user, "Machine", "settings.json"), JSON.stringify({ "pith.command": pith, ...machine }));
  writeFileSync(join(user, "User", "settings.json"), JSON.stringify({ ...quiet, ...more }));
}
const quiet = {
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Default Light Modern",
  "window.autoDetectColorScheme": false,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "git.enabled": false,
  "chat.disableAIFeatures": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "extensions.ignoreRecommendations": true,
  "editor.minimap.enabled": false,
};
for (const dir of ["User", "Machine"]) mkdirSync(join(user, dir), { recursive: true });
mkdirSync(pictures, { recursive: true });
set({});

const env = {
  ...process.env,
  HOME: home,
  XDG_CACHE_HOME: join(home, "cache"),
  XDG_CONFIG_HOME: join(home, "config"),
  XDG_DATA_HOME: join(home, "data"),
};
const entry = join(codeServer, "node_modules", "code-server", "out", "node", "entry.js");
const places = ["--user-data-dir", user, "--extensions-dir", extensions];
console.log(
  execFileSync(process.execPath, [entry, ...places, "--install-extension", vsix], {
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim(),
);

const port = await new Promise((done) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});
const serverArgs = [
  entry,
  ...places,
  "--bind-addr",
  `127.0.0.1:${port}`,
  "--auth",
  "none",
  "--disable-telemetry",
  "--disable-update-check",
  workspace,
];
const server = spawn(process.execPath, serverArgs, { env, stdio: "ignore", detached: true });
for (let n = 0; n < 300; n++) {
  if (
    await fetch(`http://127.0.0.1:${port}/healthz`).then(
      (r) => r.ok,
      () => false,
    )
  )
    break;
  await new Promise((next) => setTimeout(next, 200));
}

/** The processes `pith serve` that were started for this workspace. */
function running() {
  return readdirSync("/proc").filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readlinkSync(`/proc/${pid}/exe`) === pith &&
        readFileSync(`/proc/${pid}/environ`, "utf8").includes(`PITH_WORKSPACE=${workspace}`) &&
        readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[1] === "serve"
      );
    } catch {
      return false;
    }
  });
}
async function until(what, is, seconds = 240) {
  for (let n = 0; n < seconds * 5; n++) {
    if (await is()) return check(true, what);
    await new Promise((next) => setTimeout(next, 200));
  }
  check(false, what);
}

const program = join(browserFolder, "chromium", "chromium");
if (/not found/.test(execFileSync("ldd", [program], { encoding: "utf8" })))
  process.env.LD_LIBRARY_PATH = join(browserFolder, "chromium", "al2023", "lib");
const browser = await chromium.launch({
  executablePath: program,
  args: ["--no-sandbox", "--no-zygote", "--disable-gpu"],
});
const context = await browser.newContext({
  viewport: { width: 1360, height: 900 },
  permissions: ["clipboard-read", "clipboard-write"],
  locale: "en-US",
});
const page = await context.newPage();
page.setDefaultTimeout(300_000);
const picture = (name) => page.screenshot({ path: join(pictures, `vscode-${name}.png`) });
const status = page.locator(".statusbar-item", { hasText: "Pith" }).first();
async function command(title) {
  await page.keyboard.press("F1");
  await page
    .locator(".quick-input-widget input")
    .first()
    .fill(">" + title);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().waitFor();
  await page.keyboard.press("Enter");
}
async function open(file) {
  await page.keyboard.press("Control+P");
  await page.locator(".quick-input-widget input").first().fill(file);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: file }).first().waitFor();
  await page.waitForTimeout(500);
  await page.keyboard.press("Enter");
  await page.locator(".tab.active", { hasText: file }).waitFor();
}
/** The page of the view, which stands in a frame in a frame. */
async function inView() {
  for (let n = 0; n < 300; n++) {
    for (const frame of page.frames()) {
      if (
        await frame
          .locator("form#ask")
          .count()
          .catch(() => 0)
      )
        return frame;
    }
    await page.waitForTimeout(200);
  }
  throw new Error("the view did not come");
}
const pale = () =>
  page.evaluate(
    () =>
      [...document.querySelectorAll(".view-line span span")].filter((s) => getComputedStyle(s).opacity === "0.45")
        .length,
  );
const barred = () =>
  page.evaluate(
    () =>
      [...document.querySelectorAll(".glyph-margin-widgets .cgmr")].filter((s) =>
        getComputedStyle(s).backgroundImage.includes("kept-"),
      ).length,
  );
/** Opens the window anew, with other settings. */
async function restart(more, machine) {
  set(more, machine);
  await page.goto("about:blank");
  await until("the window is closed, and its server with it", () => running().length === 0);
  await page.goto(`http://127.0.0.1:${port}/?folder=${workspace}`);
  await status.waitFor();
  await page.waitForTimeout(1000);
  await command("Pith: Focus on Context View");
  return inView();
}

try {
  await page.goto(`http://127.0.0.1:${port}/?folder=${workspace}`);
  await status.waitFor();
  check(
    /Pith: off/.test(await status.innerText()),
    "before anything is asked the status bar says that the server is off",
  );
  check(running().length === 0, "and none runs");
  await open("session.go");
  await page.keyboard.press("Control+Home");

  await command("Pith: Ask for Context");
  await page.locator(".quick-input-widget input").first().fill("When is a one-time key used up?");
  await picture("question");
  await page.keyboard.press("Enter");
  let view = await inView();
  await view.locator("#kept li").first().waitFor();
  check(running().length === 1, "asking starts one local server");
  check(
    (await view.locator("#kept li", { hasText: "redeem" }).count()) > 0,
    "the view lists the function that answers as kept",
  );
  const left = await view.locator("#left li .why").allInnerTexts();
  check(left.length > 5 && left.every((why) => why.length > 5), "it lists what was left out, each with a reason");
  await until("the status bar says what was saved", async () => /[\d,]+ tokens saved/.test(await status.innerText()));
  await until(
    "lines of the open file are pale, and others have a bar",
    async () => (await pale()) > 3 && (await barred()) > 0,
  );
  await picture("light");

  await view.locator("#kept li button", { hasText: "redeem" }).click();
  await until("a click in the view leads to the lines", async () =>
    /one-time|redeem/.test(await page.locator(".view-lines").first().innerText()),
  );
  await page.keyboard.press("Control+Home");
  await page.waitForTimeout(500);
  const hovered = await page.evaluate(() => {
    const span = [...document.querySelectorAll(".view-line span span")].find(
      (s) => getComputedStyle(s).opacity === "0.45" && s.textContent.trim().length > 3,
    );
    const box = span.getBoundingClientRect();
    return { x: box.x + 8, y: box.y + box.height / 2 };
  });
  await page.mouse.move(hovered.x, hovered.y);
  await page.mouse.move(hovered.x + 3, hovered.y, { steps: 3 });
  const hover = page.locator(".monaco-hover", { hasText: "Pith:" }).first();
  await hover.waitFor();
  const said = await hover.innerText();
  check(
    /Pith: (left out|cut inside)/.test(said) && said.length > 40,
    "hovering over a pale line says why: " + said.replace(/\s+/g, " ").slice(0, 160),
  );
  await picture("hover");
  await page.mouse.move(10, 400);

  await view.evaluate(axe);
  const found = await view.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
  check(
    serious.length === 0,
    "axe finds nothing serious in the view" + serious.map((v) => ` ${v.id}: ${v.nodes[0].html}`).join(""),
  );

  const before = await view.locator("#summary").innerText();
  await view.locator("#budget").focus();
  for (let n = 0; n < 5; n++) await page.keyboard.press("ArrowLeft");
  await until("the slider asks again with its budget", async () => {
    const now = await view.locator("#summary").innerText();
    return now !== before && /of 1,500 tokens/.test(now);
  });
  check(/1,500 tokens/.test(await view.locator("#tokens").innerText()), "and shows it");

  await view.locator("#copy").click();
  await until("copy as prompt puts question and code into the clipboard", async () => {
    const text = await page.evaluate(() => navigator.clipboard.readText());
    return (
      text.startsWith("When is a one-time key used up?") &&
      text.includes("func (s *sessions) redeem") &&
      text.includes("omitted")
    );
  });

  await open("state.go");
  await command("Pith: Shorten This File for a Question");
  await page.locator(".quick-input-widget input").first().fill("How is the state of the parts asked for?");
  await page.keyboard.press("Enter");
  await view.locator("#summary", { hasText: "state.go" }).waitFor();
  const [short, all] = (await view.locator("#summary").innerText())
    .match(/[\d,]+/g)
    .map((n) => Number(n.replace(",", "")));
  check(short <= 1500 && all > 1500, `one file is shortened, ${short} of ${all} tokens`);
  await until("and marked", async () => (await pale()) > 3);

  await command("Pith: Stop the Local Server");
  await until("stopping ends the process", () => running().length === 0);
  await view.locator("#state", { hasText: "off" }).waitFor();
  await view.locator("#server", { hasText: "Start it" }).click();
  await until("starting brings one back", () => running().length === 1);
  await view.locator("#state", { hasText: "runs" }).waitFor();

  view = await restart({ "workbench.colorTheme": "Default Dark Modern", "pith.budget": 500 });
  await until(
    "the budget of the settings shows",
    async () => (await view.locator("#tokens").innerText()) === "500 tokens",
  );
  await open("session.go");
  await view.locator("#question").fill("How is a session's cookie made?");
  await view.locator("#question").press("Enter");
  await view.locator("#summary", { hasText: "of 500 tokens" }).waitFor();
  await until("the question of the view is answered", async () => (await pale()) > 3 && (await barred()) > 0);
  await picture("dark");
  await page.locator(".view-lines").first().click();
  await page.keyboard.type("x");
  await until("an edited file loses its marks", async () => (await pale()) === 0 && (await barred()) === 0);
  await page.keyboard.press("Control+Z");

  view = await restart({}, { "pith.server": "http://pith.example:8484" });
  await view.locator("#question").fill("Anything at all");
  await view.locator("#question").press("Enter");
  await until("an address elsewhere is refused", async () =>
    /not an http address of this machine/.test(await view.locator("#error").innerText()),
  );
  await picture("refused");
  view = await restart({}, { "pith.command": "/nowhere/pith" });
  await view.locator("#question").fill("Anything else");
  await view.locator("#question").press("Enter");
  await until("a program that is missing is said", async () =>
    /was not found/.test(await view.locator("#error").innerText()),
  );
  check((await view.locator("#question").inputValue()) === "Anything else", "and the question stays");
} catch (error) {
  wrong.push(String(error));
  console.log(error);
  await picture("failed").catch(() => {});
} finally {
  await browser.close();
  process.kill(-server.pid, "SIGTERM");
  await until("the server ends with its window", () => running().length === 0, 60);
  for (const pid of running()) process.kill(Number(pid), "SIGKILL");
  rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
}
console.log(wrong.length === 0 ? "ok" : `${wrong.length} wrong`);
process.exit(wrong.length === 0 ? 0 : 1);
