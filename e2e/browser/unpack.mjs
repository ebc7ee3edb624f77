// Unpacks the browser of its package into the folder chromium: the program, the libraries that a bare machine may lack, fonts.
import { spawn } from "node:child_process";
import { createReadStream, createWriteStream, chmodSync, mkdirSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const from = "node_modules/@sparticuz/chromium/bin";
mkdirSync("chromium", { recursive: true });
await pipeline(createReadStream(`${from}/chromium.br`), createBrotliDecompress(), createWriteStream("chromium/chromium"));
chmodSync("chromium/chromium", 0o755);
for (const archive of ["al2023", "fonts"]) {
  mkdirSync(`chromium/${archive}`, { recursive: true });
  const tar = spawn("tar", ["-x", "-C", `chromium/${archive}`], { stdio: ["pipe", "inherit", "inherit"] });
  const done = new Promise((resolve, reject) => tar.on("exit", (code) => (code ? reject(new Error(`tar: ${code}`)) : resolve())));
  await pipeline(createReadStream(`${from}/${archive}.tar.br`), createBrotliDecompress(), tar.stdin);
  await done;
}
