// Looks at a dashboard as a person does: node dashboard.mjs FOLDER-OF-THE-BROWSER PAGE NAME FOLDER-FOR-PICTURES [no-requests]
// Prints one JSON object with what is wrong; takes a picture of each view.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, url, name, pictures, ...flags] = process.argv.slice(2);
const load = createRequire(join(folder, "package.json"));
const { chromium } = load("playwright-core");
const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");

const program = join(folder, "chromium", "chromium");
const env = { ...process.env };
if (/not found/.test(execFileSync("ldd", [program], { encoding: "utf8" }))) env.LD_LIBRARY_PATH = join(folder, "chromium", "al2023", "lib");
const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--no-zygote", "--disable-gpu"], env });
const wrong = [], seen = {};
const check = (ok, what) => { if (!ok) wrong.push(what); };
const host = new URL(url).host;

async function look(page, view) {
  await page.screenshot({ path: join(pictures, `${name}-${view}.png`), fullPage: true });
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const v of found.violations) {
    if (["serious", "critical"].includes(v.impact)) wrong.push(`${view}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html).join(" ")}`);
  }
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(over <= 0, `${view}: the page is ${over} pixels wider than the window`);
}

const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", locale: "en-US" });
const page = await context.newPage();
page.on("console", (m) => { if (m.type() === "error" && !flags.includes("gone")) wrong.push("console: " + m.text()); });
page.on("pageerror", (e) => wrong.push("script: " + e.message));
page.on("request", (r) => check(new URL(r.url()).host === host, "loads from elsewhere: " + r.url()));
await page.goto(url);
check(!page.url().includes("key="), "the one-time key stays in the address");
await page.locator("#live.ok").waitFor();
await look(page, "light");
await page.emulateMedia({ colorScheme: "dark" });
await page.waitForTimeout(300);
await look(page, "dark");
await page.setViewportSize({ width: 400, height: 800 });
await page.waitForTimeout(300);
await look(page, "narrow");
seen.text = await page.locator("#overview").innerText();

if (!flags.includes("no-requests")) {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await page.locator("#detail article").first().waitFor({ timeout: 60000 });
  await page.waitForTimeout(300);
  await look(page, "request-dark");
  await page.emulateMedia({ colorScheme: "light", locale: "en-US" });
  await look(page, "request-light");
  seen.detail = await page.locator("#detail").innerText();
  seen.dropped = await page.locator("#detail li.dropped").count();
  seen.notes = await page.locator("#detail li.note").allInnerTexts();
  await page.setViewportSize({ width: 400, height: 800 });
  await look(page, "request-narrow");
  await page.keyboard.press("Escape");
  await page.locator("#overview").waitFor();
}
if (flags.includes("gone")) { // the test ends the server now
  process.stdout.write("ready\n");
  await page.locator("#live.failing").waitFor({ timeout: 60000 });
  await look(page, "gone");
}
await browser.close();
process.stdout.write(JSON.stringify({ wrong, ...seen }) + "\n");
