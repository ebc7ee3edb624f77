// Unpacks the browser of its package into the folder chromium: the program, the libraries that a bare machine may lack, fonts.
import { execFileSync } from "node:child_process";
import { createReadStream, createWriteStream, chmodSync, mkdirSync, rmSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const from = "node_modules/@sparticuz/chromium/bin";
mkdirSync("chromium", { recursive: true });
await pipeline(createReadStream(`${from}/chromium.br`), createBrotliDecompress(), createWriteStream("chromium/chromium"));
chmodSync("chromium/chromium", 0o755);
for (const archive of ["al2023", "fonts"]) {
  const packed = `chromium/${archive}.tar`;
  await pipeline(createReadStream(`${from}/${archive}.tar.br`), createBrotliDecompress(), createWriteStream(packed));
  mkdirSync(`chromium/${archive}`, { recursive: true });
  execFileSync("tar", ["-x", "-f", packed, "-C", `chromium/${archive}`]); // on a pipe tar may leave before the last bytes
  rmSync(packed);
}
